/**
 * Redis commands that a script carries out with what it does, such as the end of a task or of a step: once, and not at all for
 * a worker that has lost it.
 */
import { display, MisuseError, requireName } from '@holdfast/kernel';

/** The command, and its arguments. */
export type Command = readonly string[];

const MOST_EFFECTS = 100;
/** Commands that scripts may call, but that leave the rest of a script with another database, or with an empty one. */
const UNFIT: readonly string[] = ['SELECT', 'SWAPDB', 'FLUSHDB', 'FLUSHALL'];

/** Adds an effect to those that there are. Throws MisuseError; `thing` is a word of its message, such as "task". */
export function addEffect(
  effects: Command[],
  [command, ...args]: readonly [command: string, ...args: (string | number)[]],
  thing: string,
): void {
  if (effects.length === MOST_EFFECTS)
    throw new MisuseError(`A ${thing} has at most ${MOST_EFFECTS} effects.`);
  const words = [requireName('command', command), ...args];
  if (UNFIT.includes(command.toUpperCase())) {
    throw new MisuseError(
      `${command} cannot be an effect: it would take the database from under the end of the ${thing}.`,
    );
  }
  const wrong = words.find((word) => typeof word !== 'string' && !Number.isFinite(word));
  if (wrong !== undefined) {
    throw new MisuseError(`The arguments of a command are strings and numbers; got ${display(wrong)}.`);
  }
  effects.push(words.map(String));
}
