/**
 * Schedules: runs that are started at the times of a cron expression, or every so often.
 */
import { optional, type Readers, readOptions, whole } from '@holdfast/kernel';
import { firstTick, partitionOf, SCHEDULE_TIMES, type ScheduleTimes } from '@holdfast/redis';
import { encodeRecord } from '../journal/record.js';
import { encodeValue } from '../json.js';
import { requireText, runName } from '../run-name.js';
import { check } from '../schema.js';
import { readSchedule, type ScheduleText, type StartTick } from '../worker/ticks.js';
import type { AnyWorkflow } from './options.js';
import type { Partition } from './partition.js';
import { START, termsOf } from './start-options.js';
import { startIn } from './starting.js';

export interface Schedule extends ScheduleTimes {
  /** As for `start`, of each run. */
  readonly priority?: number;
  readonly key?: string;
}

export interface ScheduleInfo extends Schedule {
  readonly name: string;
  readonly workflow: string;
  readonly input: unknown;
  readonly next: Date;
}

const SCHEDULE = {
  ...SCHEDULE_TIMES,
  priority: optional(whole(0, 9)),
  key: optional(requireText),
} satisfies Readers<Schedule>;

export interface SchedulesHost {
  readonly partitions: readonly Partition[];
  readonly workflows: readonly AnyWorkflow[];
  readonly randomId: () => string;
}

export class Scheduling {
  readonly #host: SchedulesHost;

  constructor(host: SchedulesHost) {
    this.#host = host;
  }

  async set(name: string, workflow: AnyWorkflow, input: unknown, schedule: Schedule): Promise<void> {
    requireText('The name of a schedule', name);
    readOptions('schedule', schedule, SCHEDULE);
    const value = await check(workflow.input, input, `the input of "${workflow.name}"`);
    encodeValue(value, `The input of "${workflow.name}"`);
    const { store } = this.#placeOf(name);
    const { now } = await store.schedules('due');
    const text: ScheduleText = { workflow: workflow.name, schedule, input: value };
    await store.schedule({ name, kept: JSON.stringify(text), at: firstTick(schedule, now) });
  }

  remove(name: string): Promise<boolean> {
    return this.#placeOf(requireText('The name of a schedule', name)).store.unschedule(name);
  }

  async all(): Promise<ScheduleInfo[]> {
    const found = await Promise.all(this.#host.partitions.map(({ store }) => store.schedules('all')));
    return found
      .flatMap(({ schedules }) => schedules)
      .sort((one, other) => one.at - other.at)
      .map(({ name, kept, at }) => {
        const { workflow, schedule, input } = readSchedule(kept);
        return { ...schedule, name, workflow, input, next: new Date(at) };
      });
  }

  readonly start: StartTick = async (name, { workflow: of, schedule, input }, time) => {
    const { workflows, randomId } = this.#host;
    const workflow = workflows.find((each) => each.name === of);
    if (workflow === undefined) return false;
    const { key, priority = 0 } = schedule;
    const run = runName({ workflow: of, id: `schedule:${name}:${time}`, key });
    const generation = randomId();
    const header = encodeRecord({ kind: 'header', workflow: of, input, generation });
    const under = termsOf({ ...readOptions('schedule', {}, START), key, priority });
    const request = { run, generation, header, mailbox: '', under };
    await startIn({
      partition: this.#placeOf(key ?? `schedule:${name}:${time}`),
      workflow,
      request,
      owns: false,
    });
    return true;
  };

  #placeOf(place: string): Partition {
    const { partitions } = this.#host;
    return partitions[partitionOf(place, partitions.length)] as Partition;
  }
}
