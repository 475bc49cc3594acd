/**
 * The totals over all episodes: faults by kind, and the traffic.
 */
import type { EpisodeOutcome } from './episode.js';
import { increase } from './subject.js';

export class Totals {
  readonly injected = new Map<string, number>();
  readonly counts = new Map<string, number>();
  episodes = 0;
  violations = 0;
  /** Episodes that the harness could not carry out. */
  broken = 0;

  add({ counts, injected, violations }: EpisodeOutcome): void {
    this.episodes += 1;
    this.violations += violations.length;
    for (const [kind, count] of injected) increase(this.injected, kind, count);
    for (const [name, count] of counts) increase(this.counts, name, count);
  }

  get faults(): number {
    return [...this.injected.values()].reduce((sum, count) => sum + count, 0);
  }

  /** One line for somebody who watches; `traffic` is the subject's part of it. */
  lineWith(traffic: string): string {
    return [
      `${this.episodes} episodes`,
      `${this.faults} faults`,
      traffic,
      `${this.violations} violations`,
      ...(this.broken > 0 ? [`${this.broken} could not be carried out`] : []),
    ].join('; ');
  }
}
