/**
 * The declarations of instruments. Declaring one does nothing; a `Scope` makes it.
 */

/** What an instrument is, as it is declared. */
export interface InstrumentDeclaration {
  readonly kind: 'counter' | 'up-down counter' | 'histogram';
  readonly name: string;
  readonly unit: string;
  readonly description: string;
}

/** Counts what only grows. */
export const counter = (name: string, unit: string, description: string): InstrumentDeclaration => ({
  ...{ kind: 'counter', name, unit, description },
});

/** Counts what there is at the moment. */
export const upDownCounter = (name: string, unit: string, description: string): InstrumentDeclaration => ({
  ...{ kind: 'up-down counter', name, unit, description },
});

/** How long something took: recorded in ms, published in seconds. */
export const duration = (name: string, description: string): InstrumentDeclaration => ({
  ...{ kind: 'histogram', name, unit: 's', description },
});
