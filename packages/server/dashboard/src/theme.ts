/** The theme: the system's, light or dark, as the reader has chosen it in this browser. */
import { signal } from '@preact/signals';

export const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

const NAME = 'holdfast-theme';
const stored = localStorage.getItem(NAME) as Theme | null;

export const theme = signal<Theme>(stored && THEMES.includes(stored) ? stored : 'system');

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  localStorage.setItem(NAME, chosen);
  document.documentElement.dataset['theme'] = chosen;
}

document.documentElement.dataset['theme'] = theme.value;
