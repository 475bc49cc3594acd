/**
 * What a workflow is: a name, a function, and the schemas of what it is given.
 */
import {
  callback,
  display,
  MisuseError,
  optional,
  passedOn,
  type Reader,
  readOptions,
  type Schema,
} from '@holdfast/kernel';
import type { WorkflowContext } from './machine/context.js';
import { requireSchema } from './schema.js';

/** Schemas by the names of the messages. */
export type MessageSchemas = Readonly<Record<string, Schema>>;

export interface WorkflowOptions<Input = unknown> {
  /** 1 to 64 letters, digits, "_" and "-". Runs are found by it: do not change it. */
  readonly name: string;
  /** Any Standard Schema, which also gives the type of the input. Default: any JSON. */
  readonly input?: Schema<unknown, Input>;
  /** Schemas of messages, by their names. A message without one is any JSON. Default: none. */
  readonly messages?: MessageSchemas;
}

/** Runs from its top whenever a run goes on, over what its steps have given before. */
export type WorkflowFunction<Input, Result> = (context: WorkflowContext, input: Input) => Promise<Result>;

/** A workflow, as `defineWorkflow` makes it. */
export interface Workflow<Input = unknown, Result = unknown> {
  readonly name: string;
  readonly input: Schema<unknown, Input> | undefined;
  readonly messages: MessageSchemas;
  readonly run: WorkflowFunction<Input, Result>;
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** A name of a workflow or of an app. Throws MisuseError. */
export const name: Reader<string> = (option, value) => {
  if (typeof value === 'string' && NAME.test(value)) return value;
  throw new MisuseError(`${option} is 1 to 64 letters, digits, "_" and "-"; got ${display(value)}.`);
};

const WORKFLOW = {
  name,
  input: optional(passedOn<Schema>()),
  messages: optional(passedOn<MessageSchemas>()),
};

/** Throws MisuseError. Does nothing but that: a workflow is data. */
export function defineWorkflow<Input, Result>(
  options: WorkflowOptions<Input>,
  run: WorkflowFunction<Input, Result>,
): Workflow<Input, Result> {
  const { name, input, messages = {} } = readOptions('defineWorkflow', options, WORKFLOW);
  for (const [message, schema] of Object.entries(messages)) requireSchema(`messages.${message}`, schema);
  if (input !== undefined) requireSchema('input', input);
  return {
    name,
    input: input as Schema<unknown, Input> | undefined,
    messages,
    run: callback<WorkflowFunction<Input, Result>>()('run', run),
  };
}
