// Plays scenarios.txt on a kernel with KVM and prints what became of the stage 2 tables: /init of an initramfs. See README.md.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAILBOX 0x10000000ull
#define CODE_SIZE 65536
#define RING 65536 // bytes
#define RING_PAGE 64 // KVM_DIRTY_LOG_PAGE_OFFSET, which headers before Linux 6.2 do not have for arm64
#define MOST_BLOCK (64 << 20)
#define TRACING "/sys/kernel/tracing/"

typedef uint64_t u64;
static u64 page, block;

// x10 is MAILBOX: reads of it give an address, and what to do there.
static const uint32_t code[] = {
  0xf9400140, // loop: ldr x0, [x10]
  0xf9400541, //       ldr x1, [x10, #8]
  0xb40000a1, //       cbz x1, read
  0xf1000421, //       subs x1, x1, #1
  0xb40000a1, //       cbz x1, write
  0xd63f0000, //       blr x0
  0x17fffffa, //       b loop
  0xf9400002, // read: ldr x2, [x0]
  0x17fffff8, //       b loop
  0xf9000000, // write: str x0, [x0]
  0x17fffff6, //       b loop
};
#define VECTOR 0x200 // b loop

static void die(const char *what) { printf("died: %s: %s\n", what, strerror(errno)); fflush(stdout); _exit(1); }

// "2b+3p-0x1000": blocks, pages, GiB, bytes.
static u64 number(const char *text) {
  u64 sum = 0, sign = 1;
  while (*text) {
    char *end;
    u64 n = strtoull(text, &end, 0);
    if (*end == 'b') n *= block, end++;
    else if (*end == 'p') n *= page, end++;
    else if (*end == 'g') n <<= 30, end++;
    sum += sign * n;
    if (*end && *end != '+' && *end != '-') die("number");
    sign = *end == '-' ? -1 : 1;
    text = *end ? end + 1 : end;
  }
  return sum;
}

static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_TRUNC | O_APPEND);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) die(path);
  close(fd);
}

/* ---------------------------------------------------------------- what the kernel did */

static const char *const probes[] = {
  "p:map kvm_pgtable_stage2_map addr=%x1 size=%x2 prot=%x4 pgd=+8(+24(%x0)):x64 vtcr=+24(+24(%x0)):x64 level=+4(%x0):s8",
  "p:relax kvm_pgtable_stage2_relax_perms addr=%x1 prot=%x2",
  "p:unmap kvm_pgtable_stage2_unmap addr=%x1 size=%x2",
  "p:wrprotect kvm_pgtable_stage2_wrprotect addr=%x1 size=%x2",
  "p:split kvm_pgtable_stage2_split addr=%x1 size=%x2",
  "p:mkyoung kvm_pgtable_stage2_mkyoung addr=%x1",
  "p:age kvm_pgtable_stage2_test_clear_young addr=%x1 size=%x2 clear=%x3",
  "p:tlbi_ipa __kvm_tlb_flush_vmid_ipa addr=%x1 level=%x2:s32",
  "p:tlbi_ipa_nsh __kvm_tlb_flush_vmid_ipa_nsh addr=%x1 level=%x2:s32",
  "p:tlbi_range __kvm_tlb_flush_vmid_range addr=%x1 pages=%x2",
  "p:tlbi_vmid __kvm_tlb_flush_vmid",
  "p:clean clean_dcache_guest_page size=%x1",
  "p:icache invalidate_icache_guest_page size=%x1",
};

static u64 pgd, vtcr;
static int first_level;

static void traced(void) {
  FILE *f = fopen(TRACING "trace", "r");
  if (!f) die("trace");
  char line[512];
  while (fgets(line, sizeof line, f)) {
    if (line[0] == '#') continue;
    line[strcspn(line, "\n")] = 0;
    char *open = strstr(line, ": (");
    if (!open) continue;
    *open = 0;
    char *name = strrchr(line, ' ') + 1, *args = strchr(open + 3, ')') + 1, *root = strstr(args, " pgd=");
    if (root) {
      *root = 0;
      sscanf(root + 1, "pgd=%lx vtcr=%lx level=%d", &pgd, &vtcr, &first_level);
    }
    printf("  %s%s\n", name, args);
  }
  fclose(f);
  put(TRACING "trace", "");
}

/* ---------------------------------------------------------------- the tables as bytes */

static int mem;
static u64 run_start, run_end, run_bits;
static int run_level = -1;
static unsigned tables[4];

static void flush_run(void) {
  if (run_level >= 0) printf("  0x%lx-0x%lx %d 0x%lx\n", run_start, run_end, run_level, run_bits);
  run_level = -1;
}

static void table(u64 at, int level, u64 base, u64 count) {
  u64 *entries = malloc(count * 8), bits = page == 4096 ? 9 : page == 16384 ? 11 : 13;
  u64 span = page << ((3 - level) * bits);
  if (pread(mem, entries, count * 8, at) != (ssize_t)(count * 8)) die("/dev/mem");
  tables[level] += count * 8 / page ?: 1;
  for (u64 i = 0; i < count; i++) {
    u64 e = entries[i], ipa = base + i * span, output = e & 0x3fffffffff000ull & ~(page - 1);
    if ((e & 3) == 3 && level < 3) { table(output, level + 1, ipa, page / 8); continue; }
    if (!e) continue;
    u64 rest = e & ~0x3fffffffff000ull;
    if (run_end != ipa || run_level != level || run_bits != rest) { flush_run(); run_start = ipa; run_level = level; run_bits = rest; }
    run_end = ipa + span;
  }
  free(entries);
}

static void walk(void) {
  if (!pgd) return;
  int ipa_bits = 64 - (vtcr & 63), shift = page == 4096 ? 12 : page == 16384 ? 14 : 16, bits = shift - 3;
  table(pgd, first_level, 0, 1ull << (ipa_bits - (shift + (3 - first_level) * bits)));
}

/* ---------------------------------------------------------------- the VM */

static int vm = -1, vcpu = -1, run_size;
static struct kvm_run *run;

static void set_reg(u64 id, u64 value) {
  struct kvm_one_reg reg = { id, (u64)&value };
  if (ioctl(vcpu, KVM_SET_ONE_REG, &reg) < 0) die("KVM_SET_ONE_REG");
}

static int slot(int id, int flags, u64 ipa, u64 size, void *at) {
  struct kvm_userspace_memory_region region = { id, flags, ipa, size, (u64)at };
  return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static void create(u64 bits) {
  int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  vm = ioctl(kvm, KVM_CREATE_VM, bits);
  if (vm < 0) { printf("  vm %s\n", strerrorname_np(errno)); fflush(stdout); _exit(0); }
  run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
}

static void start(void) {
  vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
  if (vcpu < 0) die("KVM_CREATE_VCPU");
  run = mmap(0, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  struct kvm_vcpu_init init = { .target = KVM_ARM_TARGET_GENERIC_V8, .features = { 1 << KVM_ARM_VCPU_PSCI_0_2 } };
  if (ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) < 0) die("KVM_ARM_VCPU_INIT");
  char *at = mmap(0, 2 * CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  at = (char *)(((u64)at + CODE_SIZE - 1) & -(u64)CODE_SIZE);
  memcpy(at, code, sizeof code);
  *(uint32_t *)(at + VECTOR) = 0x14000000 | ((-VECTOR / 4) & 0x3ffffff);
  if (slot(31, 0, 0, CODE_SIZE, at) < 0) die("code");
  set_reg(0x6030000000100014, MAILBOX); // x10
  set_reg(0x6030000000100040, 0); // pc
}

// Runs to the next exit, and says which where it is not the mailbox.
static int step(void) {
  if (ioctl(vcpu, KVM_RUN, 0) < 0) { printf("  run %s\n", strerrorname_np(errno)); return 0; }
  if (run->exit_reason != KVM_EXIT_MMIO) { printf("  exit %d\n", run->exit_reason); return 0; }
  if (run->mmio.phys_addr - MAILBOX < 16) return 1;
  printf("  mmio %s %#llx\n", run->mmio.is_write ? "write" : "read", run->mmio.phys_addr);
  if (!run->mmio.is_write) memset(run->mmio.data, 0, 8);
  return step();
}

static void answer(u64 value) { memcpy(run->mmio.data, &value, 8); }

static void guest(int what, u64 ipa) {
  if (vcpu < 0) { start(); if (!step()) return; traced(); }
  answer(ipa);
  if (!step()) return;
  answer(what);
  step();
}

/* ---------------------------------------------------------------- scenarios */

struct memory { char name[8]; char *at; u64 size; } memories[16];
static int count;
static char *in(const char *name, const char *offset) {
  for (int i = 0; i < count; i++) if (!strcmp(memories[i].name, name)) return memories[i].at + number(offset);
  die(name);
  return 0;
}

static void memory(const char *name, const char *kind, u64 size, u64 offset) {
  int huge = !strcmp(kind, "private");
  u64 align = block;
  char *at = mmap(0, size + offset + 2 * align, PROT_READ | PROT_WRITE, (huge ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) die("mmap");
  at = (char *)(((u64)at + align - 1) & -align) + offset;
  snprintf(memories[count].name, 8, "%s", name);
  memories[count].size = size;
  memories[count++].at = at;
  // Nothing beside it, so that huge pages are where they can be within it alone.
  munmap(at + size, align);
}

static void result(int r) { if (r < 0) printf("  %s\n", strerrorname_np(errno)); else if (r > 0) printf("  %d\n", r); }

static void age(char *at, u64 size) {
  int idle = open("/sys/kernel/mm/page_idle/bitmap", O_RDWR);
  if (idle < 0) die("page_idle");
  char *other = mmap(0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *other = 1;
  madvise(other, page, MADV_COLD); // lru_add_drain: page_idle passes over pages that are on no list yet
  int map = open("/proc/self/pagemap", O_RDONLY);
  for (u64 n = 0; n < size / page; n++) {
    u64 entry = 0;
    if (pread(map, &entry, 8, ((u64)at / page + n) * 8) != 8 || !(entry >> 63)) continue;
    u64 pfn = entry & ((1ull << 55) - 1), word = 1ull << (pfn % 64);
    if (pwrite(idle, &word, 8, pfn / 64 * 8) < 0) die("page_idle");
  }
  close(map);
  close(idle);
}

// Dirty pages of the ring that were not harvested yet.
static void harvest(void) {
  static struct kvm_dirty_gfn *ring;
  static unsigned next;
  if (!ring) ring = mmap(0, RING, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, RING_PAGE * page);
  if (ring == MAP_FAILED) die("ring");
  for (;; next++) {
    struct kvm_dirty_gfn *entry = &ring[next % (RING / sizeof *ring)];
    if (!(entry->flags & KVM_DIRTY_GFN_F_DIRTY)) return;
    printf("  page %lu of %u\n", (u64)entry->offset, entry->slot);
    entry->flags |= KVM_DIRTY_GFN_F_RESET;
  }
}

static void dump(void) {
  memset(tables, 0, sizeof tables);
  walk();
  flush_run();
  printf("  tables %u %u %u %u\n", tables[0], tables[1], tables[2], tables[3]);
  char path[128], line[256];
  snprintf(path, sizeof path, "/sys/kernel/debug/kvm/%d-%d/stage2_page_tables", getpid(), vm);
  FILE *f = fopen(path, "r");
  if (!f) die(path);
  while (fgets(line, sizeof line, f)) printf("  |%s", line);
  fclose(f);
}

static void operation(char **w, int n) {
  const char *op = w[0];
  if (!strcmp(op, "vm")) create(number(w[1]));
  else if (!strcmp(op, "cap")) {
    struct kvm_enable_cap cap = { .cap = number(w[1]), .args = { number(w[2]) } };
    result(ioctl(vm, KVM_ENABLE_CAP, &cap));
  } else if (!strcmp(op, "mem")) memory(w[1], w[2], number(w[3]), n > 4 ? number(w[4]) : 0);
  else if (!strcmp(op, "slot")) result(slot(number(w[1]), number(w[2]), number(w[3]), number(w[4]), in(w[5], w[6])));
  else if (!strcmp(op, "read")) guest(0, number(w[1]));
  else if (!strcmp(op, "write")) guest(1, number(w[1]));
  else if (!strcmp(op, "exec")) guest(2, number(w[1]));
  else if (!strcmp(op, "again")) step();
  else if (!strcmp(op, "hread")) (void)*(volatile char *)in(w[1], w[2]);
  else if (!strcmp(op, "hwrite")) *(volatile char *)in(w[1], w[2]) = 1;
  else if (!strcmp(op, "munmap")) result(munmap(in(w[1], w[2]), number(w[3])));
  else if (!strcmp(op, "dontneed")) result(madvise(in(w[1], w[2]), number(w[3]), MADV_DONTNEED));
  else if (!strcmp(op, "nohuge")) result(madvise(in(w[1], w[2]), number(w[3]), MADV_NOHUGEPAGE));
  else if (!strcmp(op, "protect")) result(mprotect(in(w[1], w[2]), number(w[3]), (strchr(w[4], 'r') ? PROT_READ : 0) | (strchr(w[4], 'w') ? PROT_WRITE : 0)));
  else if (!strcmp(op, "age")) age(in(w[1], w[2]), number(w[3]));
  else if (!strcmp(op, "init")) {
    struct kvm_vcpu_init init = { .target = KVM_ARM_TARGET_GENERIC_V8, .features = { 1 << KVM_ARM_VCPU_PSCI_0_2 } };
    result(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init));
  } else if (!strcmp(op, "log")) {
    // Pages that are set, as far as 64 words go.
    static u64 words[1 << 16];
    memset(words, 0, sizeof words);
    struct kvm_dirty_log log = { .slot = number(w[1]), .dirty_bitmap = words };
    result(ioctl(vm, KVM_GET_DIRTY_LOG, &log));
    unsigned set = 0, first = 0;
    for (unsigned i = 0; i < 64 << 16; i++) if (words[i / 64] >> (i % 64) & 1) { if (!set++) first = i; }
    if (set) printf("  dirty %u from %u\n", set, first);
  } else if (!strcmp(op, "clear")) {
    static u64 words[1 << 16];
    memset(words, 0, sizeof words);
    words[0] = number(w[4]);
    struct kvm_clear_dirty_log log = { .slot = number(w[1]), .first_page = number(w[2]), .num_pages = number(w[3]), .dirty_bitmap = words };
    result(ioctl(vm, KVM_CLEAR_DIRTY_LOG, &log));
  } else if (!strcmp(op, "harvest")) harvest();
  else if (!strcmp(op, "reset")) result(ioctl(vm, KVM_RESET_DIRTY_RINGS, 0));
  else if (!strcmp(op, "dump")) dump();
  else die(op);
}

static void scenario(FILE *f) {
  char line[256], copy[256];
  while (fgets(line, sizeof line, f)) {
    char *w[16];
    int n = 0;
    line[strcspn(line, "#\n")] = 0;
    strcpy(copy, line);
    for (char *s = strtok(copy, " "); s && n < 16; s = strtok(0, " ")) w[n++] = s;
    if (!n) continue;
    if (!strcmp(w[0], "end")) return;
    printf("%s\n", line);
    traced();
    operation(w, n);
    traced();
    fflush(stdout);
  }
}

int main(void) {
  setvbuf(stdout, 0, _IOFBF, 1 << 16);
  const char *const dirs[] = { "/proc", "/sys", "/dev" };
  for (int i = 0; i < 3; i++) mkdir(dirs[i], 0755);
  mount("proc", "/proc", "proc", 0, 0);
  mount("sys", "/sys", "sysfs", 0, 0);
  mount("dev", "/dev", "devtmpfs", 0, 0);
  mount("debug", "/sys/kernel/debug", "debugfs", 0, 0);
  mount("tracing", "/sys/kernel/tracing", "tracefs", 0, 0);
  freopen("/dev/console", "w", stdout);
  page = sysconf(_SC_PAGESIZE);
  block = page * page / 8;
  mem = open("/dev/mem", O_RDONLY);
  if (mem < 0) die("/dev/mem");
  for (unsigned i = 0; i < sizeof probes / sizeof *probes; i++) {
    int fd = open(TRACING "kprobe_events", O_WRONLY | O_APPEND);
    if (write(fd, probes[i], strlen(probes[i])) < 0) printf("no probe: %s: %s\n", probes[i], strerror(errno));
    close(fd);
  }
  put(TRACING "events/kprobes/enable", "1");
  put("/proc/sys/kernel/printk", "1");
  // Nothing moves pages by itself.
  put("/sys/kernel/mm/transparent_hugepage/defrag", "never");
  put("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", "4294967295");
  put("/proc/sys/vm/compaction_proactiveness", "0");
  printf("\n@@BEGIN\n");
  FILE *f = fopen("/scenarios", "r");
  char line[256];
  while (f && fgets(line, sizeof line, f)) {
    if (strncmp(line, "scenario ", 9)) continue;
    if (strstr(line, " huge") && block > MOST_BLOCK) continue;
    printf("%s", line);
    fflush(stdout);
    put(TRACING "trace", "");
    long at = ftell(f);
    pid_t child = fork();
    if (!child) {
      alarm(25);
      FILE *g = fopen("/scenarios", "r");
      fseek(g, at, SEEK_SET);
      scenario(g);
      fflush(stdout);
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
    printf("end\n");
    fflush(stdout);
  }
  printf("@@END\n");
  fflush(stdout);
  sleep(1);
  reboot(RB_POWER_OFF);
}
