/**
 * What a workflow is: a name, a function, and the schemas of what it is given.
 */
import {
  callback,
  duration,
  flag,
  having,
  optional,
  readOptions,
  readSchema,
  type Schema,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { type LimitSettings, type Limits, readLimits } from './limits.js';
import type { WorkflowContext } from './machine/workflow-context.js';
import { name } from './run-name.js';

/** Schemas by the names of the messages. */
export type MessageSchemas = Readonly<Record<string, Schema>>;

export interface WorkflowOptions<Input = unknown> {
  /** 1 to 64 letters, digits, "_" and "-". Runs are found by it: do not change it. */
  readonly name: string;
  /** Any Standard Schema, which also gives the type of the input. Default: any JSON. */
  readonly input?: Schema<unknown, Input>;
  /** Schemas of messages, by their names. A message without one is any JSON. Default: none. */
  readonly messages?: MessageSchemas;
  /**
   * Raise it with each change of the function that an older one could not replay: a run goes on only with the highest
   * build that has committed to it, or a higher one. From 0 to 1e9. Default 0.
   */
  readonly build?: number;
  /** Whether a run goes on with the very build that has begun it, and no higher one. Default false. */
  readonly pinned?: boolean;
  /** Kept with the app, and obeyed by all of its workers. Default: those that are kept, or else no limits. */
  readonly limits?: Limits;
  /** For how long a run is kept that is over, in ms, at least 600000 (10 minutes). Default: as the app says. */
  readonly retain?: number;
}

/** Runs from its top whenever a run goes on, over what its steps have given before. */
export type WorkflowFunction<Input, Result> = (context: WorkflowContext, input: Input) => Promise<Result>;

/** A workflow, as `defineWorkflow` makes it. */
export interface Workflow<Input = unknown, Result = unknown> {
  readonly name: string;
  readonly input: Schema<unknown, Input> | undefined;
  readonly messages: MessageSchemas;
  readonly build: number;
  readonly pinned: boolean;
  readonly limits: LimitSettings | undefined;
  readonly retain: number | undefined;
  readonly run: WorkflowFunction<Input, Result>;
}

/** For how long a run is kept that is over, in ms. */
export const RETAIN = duration({ min: 600_000, max: Number.MAX_SAFE_INTEGER });

const WORKFLOW = {
  name,
  input: optional(readSchema),
  messages: optional(having<MessageSchemas>()),
  build: withDefault(whole(0, 1e9), 0),
  pinned: withDefault(flag, false),
  limits: optional(readLimits),
  retain: optional(RETAIN),
};

/** As the store knows it. */
export const buildOf = ({ build, pinned }: Pick<Workflow, 'build' | 'pinned'>): string =>
  `${build}${pinned ? '=' : ''}`;

/** Throws MisuseError. Does nothing but that: a workflow is data. */
export function defineWorkflow<Input, Result>(
  options: WorkflowOptions<Input>,
  run: WorkflowFunction<Input, Result>,
): Workflow<Input, Result> {
  const {
    name,
    input,
    messages = {},
    build,
    pinned,
    limits,
    retain,
  } = readOptions('defineWorkflow', options, WORKFLOW);
  for (const [message, schema] of Object.entries(messages)) readSchema(`messages.${message}`, schema);
  return {
    name,
    input: input as Schema<unknown, Input> | undefined,
    messages,
    build,
    pinned,
    limits,
    retain,
    run: callback<WorkflowFunction<Input, Result>>()('run', run),
  };
}
