/**
 * The rules of the house that a machine can check, by name. Biome, TypeScript and knip check others.
 */
import { budgets } from './budgets.js';
import { circles } from './circles.js';
import { commands, errorCatalogue, links, samples } from './documents.js';
import type { Rule } from './files.js';
import { layers } from './layers.js';
import { lua } from './lua.js';
import { drawers, fileHeaders, machinePaths } from './names.js';
import { preludes } from './preludes.js';
import { timeAndChance } from './time-and-chance.js';

export const RULES = {
  layers,
  circles,
  lua,
  preludes,
  budgets,
  'time and chance': timeAndChance,
  drawers,
  'file headers': fileHeaders,
  'error catalogue': errorCatalogue,
  commands,
  links,
  samples,
  'machine paths': machinePaths,
} satisfies Record<string, Rule>;
