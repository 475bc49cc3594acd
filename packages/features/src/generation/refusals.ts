/**
 * The errors for changes of generations that the catalog has refused.
 */
import { IssuerMismatchError, StaleTokenError } from '@holdfast/fence';
import { BusyError, MisuseError, type TokenClaim } from '@holdfast/kernel';
import { IncompleteError } from '../errors.js';

/** What to do with a generation in some state instead. */
const ADVICE: Readonly<Record<string, string>> = {
  live: ' Cut to another one first.',
  filling: ' One that was never read is ended by abandon().',
  previous: ' One that was read is ended by retire().',
};

/** The error for a change of a view that was refused. */
export function refusalOf(
  view: string,
  holder: TokenClaim,
  [word = '', detail = '']: readonly string[],
): Error {
  const { token, resource, issuer } = holder;
  const seen = Number(detail.split(' ', 1)[0]);
  const expected = detail.split(' ').slice(1).join(' ');
  switch (word) {
    case 'stale':
      return new StaleTokenError(
        `Token ${token} changes nothing of the view "${view}", which was changed under token ${seen}. Stop this job: another one has its work.`,
        { resource, offered: token, seen, reason: 'lower' },
      );
    case 'foreign':
      return new IssuerMismatchError(
        `The view "${view}" was changed under tokens of ${expected}, which those of ${issuer} cannot be compared with.`,
        { resource, issuer, expected },
      );
    case 'busy':
      return new BusyError(
        `Another generation of the view "${view}", ${detail}, is just taking its place. Wait.`,
        {
          resource,
        },
      );
    case 'many':
      return new MisuseError(
        `Three generations of the view "${view}" are being filled, which is the most; abandon one.`,
      );
    case 'pinned': {
      const [by, until] = detail.split(' ');
      return new BusyError(
        `The generation of the view "${view}" is kept by "${by}" until ${new Date(Number(until) / 1_000).toISOString()}. Retire it then, with "patience", or once that pin is released.`,
        { resource },
      );
    }
    case 'gone':
      return new MisuseError(
        `The generation of the view "${view}" is ${detail === '' ? 'not there' : detail}; that cannot be done with it.${ADVICE[detail] ?? ''}`,
      );
    case 'changed':
      return new IncompleteError(view, '', ['the cut was undone meanwhile']);
    case 'forgot':
      return new IncompleteError(view, '', [
        'the server of the catalog is another one, or has an older memory',
      ]);
    default:
      return new MisuseError(`Nothing is known of the view "${view}" (${word}); call apply() first.`);
  }
}
