/**
 * The errors of the feature store alone; the others are shared by all of Holdfast (docs/ERRORS.md).
 */
import { display, HoldfastError, messageOf } from '@holdfast/kernel';

declare module '@holdfast/kernel' {
  interface ErrorCodes {
    HOLDFAST_ROW: RowError;
    HOLDFAST_DEFINITION_MISMATCH: DefinitionMismatchError;
    HOLDFAST_GENERATION_ENDED: GenerationEndedError;
    HOLDFAST_SOURCE_LOST: SourceLostError;
    HOLDFAST_SOURCE: SourceError;
    HOLDFAST_INCOMPLETE: IncompleteError;
  }
}

/** A row or an event cannot be stored as it is. It is refused by itself; the others of its batch are not. */
export class RowError extends HoldfastError {
  override readonly name = 'RowError';
  readonly code = 'HOLDFAST_ROW';
  /** The name of the view. */
  readonly view: string;
  /** Which part of the row is wrong, as in `values.taste[3]`, `id` or `time`. */
  readonly path: string;

  /** `expected` completes "<path> is …". */
  constructor(view: string, path: string, expected: string, value: unknown) {
    super(`In a row of the view "${view}", ${path} is ${expected}; got ${display(value)}.`);
    this.view = view;
    this.path = path;
  }
}

/** One difference between a definition that is registered and that of a program. */
export interface Difference {
  /** Which part differs, as in `fields.age.type`. */
  readonly path: string;
  /** What is registered; undefined if nothing is. */
  readonly registered: unknown;
  /** What the program declares; undefined if it declares nothing. */
  readonly declared: unknown;
}

/** A definition differs from the registered one in a way that what is stored cannot follow. */
export class DefinitionMismatchError extends HoldfastError {
  override readonly name = 'DefinitionMismatchError';
  readonly code = 'HOLDFAST_DEFINITION_MISMATCH';
  /** What is defined, as in `view "profile"`. */
  readonly definition: string;
  readonly differences: readonly Difference[];

  /** `advice` is a sentence that says what to do. */
  constructor(definition: string, differences: readonly Difference[], advice: string) {
    const lines = differences.map(
      ({ path, registered, declared }) =>
        `\n  ${path}: registered ${display(registered)}, declared ${display(declared)}`,
    );
    super(`The ${definition} differs from the registered one. ${advice}${lines.join('')}`);
    this.definition = definition;
    this.differences = differences;
  }
}

/** The generation of a view into which a lane writes was replaced, and has ended. Open the lane again. */
export class GenerationEndedError extends HoldfastError {
  override readonly name = 'GenerationEndedError';
  readonly code = 'HOLDFAST_GENERATION_ENDED';
  readonly lane: string;
  /** "<view>.<generation>". */
  readonly generation: string;

  constructor(lane: string, generation: string) {
    super(
      `The generation "${generation}" has ended; the lane "${lane}" lands nothing more in it. Open the lane again: it then leads to the generation that is read.`,
    );
    this.lane = lane;
    this.generation = generation;
  }
}

/** A source has lost records that were not taken in yet, or was made anew. Fill a new generation from what there is. */
export class SourceLostError extends HoldfastError {
  override readonly name = 'SourceLostError';
  readonly code = 'HOLDFAST_SOURCE_LOST';
  readonly lane: string;
  readonly source: string;
  readonly partition: number;

  /** `found` completes "Of partition … of the source …, ". */
  constructor(lane: string, details: { source: string; partition: number; found: string }) {
    const { source, partition, found } = details;
    super(
      `The lane "${lane}" cannot go on: of partition ${partition} of the source ${source}, ${found}. Fill a new generation from what there is, or give the lane another name to begin anew.`,
    );
    this.lane = lane;
    this.source = source;
    this.partition = partition;
  }
}

/** A source failed in a way that another try does not help: its error is the cause. Mend the source, and follow it again. */
export class SourceError extends HoldfastError {
  override readonly name = 'SourceError';
  readonly code = 'HOLDFAST_SOURCE';
  readonly lane: string;
  readonly source: string;
  readonly partition: number;

  constructor(lane: string, details: { source: string; partition: number }, cause: unknown) {
    const { source, partition } = details;
    super(
      `The lane "${lane}" cannot go on: partition ${partition} of the source ${source} failed: ${messageOf(cause).replace(/\.$/, '')}. Mend that, and follow it again; it goes on where it was.`,
      { cause },
    );
    this.lane = lane;
    this.source = source;
    this.partition = partition;
  }
}

/** A generation lacks something of the one that is read, which goes on being read. Fill it, and cut again. */
export class IncompleteError extends HoldfastError {
  override readonly name = 'IncompleteError';
  readonly code = 'HOLDFAST_INCOMPLETE';
  readonly view: string;
  readonly generation: string;
  /** What it lacks, in words. */
  readonly missing: readonly string[];

  constructor(view: string, generation: string, missing: readonly string[]) {
    super(
      `The generation ${generation} of the view "${view}" did not take the place of the one that is read: ${missing.join('; ')}. Nothing has changed; fill it, and cut again.`,
    );
    this.view = view;
    this.generation = generation;
    this.missing = missing;
  }
}
