import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import { load, readOneOf, save } from './storage.ts';

export const THEME_CHOICES = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEME_CHOICES)[number];
export type Theme = 'light' | 'dark';

interface ThemeState {
  readonly choice: ThemeChoice;
  readonly theme: Theme;
}

const systemDark = matchMedia('(prefers-color-scheme: dark)');

function resolve(choice: ThemeChoice): Theme {
  if (choice !== 'system') return choice;
  return systemDark.matches ? 'dark' : 'light';
}

function state(choice: ThemeChoice): ThemeState {
  return { choice, theme: resolve(choice) };
}

export const themeStore = createStore<ThemeState>(() => state(readOneOf(load('theme'), THEME_CHOICES) ?? 'system'));

export function useTheme(): ThemeState {
  return useStore(themeStore);
}

export function chooseTheme(choice: ThemeChoice): void {
  save('theme', choice);
  themeStore.setState(state(choice));
}

function apply({ theme }: ThemeState): void {
  document.documentElement.dataset['theme'] = theme;
}
apply(themeStore.getState());
themeStore.subscribe(apply);
systemDark.addEventListener('change', () => themeStore.setState(state(themeStore.getState().choice)));

/** The value of a property of theme.css, for those who can't read CSS: editor and terminal. */
export function property(name: `--${string}`): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A colour of theme.css as #rrggbb, which is all that Monaco takes; a minifier may have made #rgb of it. */
export function colour(name: `--${string}`): string {
  return property(name).replace(/^#([0-9a-f])([0-9a-f])([0-9a-f])$/i, '#$1$1$2$2$3$3');
}
