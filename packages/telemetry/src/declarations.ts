/**
 * The declarations of instruments. Declaring an instrument does nothing; a `Scope` makes it.
 */

/** The declaration of an instrument. */
export interface InstrumentDeclaration {
  readonly kind: 'counter' | 'up-down counter' | 'histogram';
  readonly name: string;
  readonly unit: string;
  readonly description: string;
}

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
  ...{ kind: 'histogram', name, unit: 's', description },
});
