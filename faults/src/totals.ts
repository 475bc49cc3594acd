/**
 * What happened over all episodes: faults by kind, and what the traffic came to.
 */
import type { EpisodeOutcome } from './episode.js';

export class Totals {
  readonly injected = new Map<string, number>();
  readonly operations = new Map<string, number>();
  episodes = 0;
  violations = 0;
  /** Episodes that the harness could not carry out. */
  broken = 0;

  add({ events, injected, violations }: EpisodeOutcome): void {
    this.episodes += 1;
    this.violations += violations.length;
    for (const [kind, count] of injected) increase(this.injected, kind, count);
    const kinds = new Map<string, string>();
    for (const event of events) {
      if (event.type === 'invoke') {
        const { operation } = event;
        kinds.set(event.id, operation.f === 'acquire' ? `acquire ${operation.kind}` : operation.f);
        continue;
      }
      const how = event.type === 'ok' && event.result.how;
      const lost = event.type === 'refused' && event.error.startsWith('LeaseLostError') ? 'lost' : event.type;
      increase(this.operations, `${kinds.get(event.id)} ${how || lost}`, 1);
    }
  }

  get grants(): number {
    return ['exclusive', 'shared', 'permit'].reduce(
      (sum, kind) => sum + (this.operations.get(`acquire ${kind} ok`) ?? 0),
      0,
    );
  }

  get faults(): number {
    return [...this.injected.values()].reduce((sum, count) => sum + count, 0);
  }

  /** One line, for whoever watches. */
  get line(): string {
    const of = (name: string): number => this.operations.get(name) ?? 0;
    return [
      `${this.episodes} episodes`,
      `${this.faults} faults`,
      `${this.grants} leases`,
      `extends ${of('extend kept')} kept, ${of('extend resumed')} resumed, ${of('extend lost')} lost`,
      `writes ${of('write ok')} accepted, ${of('write refused')} refused`,
      `${this.violations} violations`,
      ...(this.broken > 0 ? [`${this.broken} could not be carried out`] : []),
    ].join('; ');
  }
}

function increase(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
