#!/usr/bin/env node
import '../dist-cli/stage2.js';
