/**
 * The declarations of instruments. Declaring an instrument does nothing; a `Scope` makes it.
 */

/** The declaration of an instrument. */
export interface InstrumentDeclaration {
  readonly kind: 'counter' | 'up-down counter' | 'histogram';
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** Of a histogram: the upper bounds of its buckets, in seconds. */
  readonly bounds?: readonly number[];
}

const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** For what goes on for days. */
const LONG_BOUNDS = [...BOUNDS, 1_800, 3_600, 21_600, 86_400, 604_800];

/** A count that only grows. */
export const counter = (name: string, unit: string, description: string): InstrumentDeclaration => ({
  ...{ kind: 'counter', name, unit, description },
});

/** A count of things that exist at the moment. */
export const upDownCounter = (name: string, unit: string, description: string): InstrumentDeclaration => ({
  ...{ kind: 'up-down counter', name, unit, description },
});

/** The duration of something: recorded in ms, published in seconds. */
export const duration = (name: string, description: string): InstrumentDeclaration => ({
  ...{ kind: 'histogram', name, unit: 's', description, bounds: BOUNDS },
});

/** The same of what may go on for days. */
export const longDuration = (name: string, description: string): InstrumentDeclaration => ({
  ...duration(name, description),
  bounds: LONG_BOUNDS,
});
