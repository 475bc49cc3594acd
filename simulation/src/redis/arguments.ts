/**
 * What commands read from their arguments, with Redis's own words for what does not fit.
 */
import { ServerError } from './reply.js';

export function requireInteger(text: string): number {
  const number = /^-?(?:0|[1-9]\d{0,18})$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number)) throw new ServerError('ERR value is not an integer or out of range');
  return number;
}

export function requireScore(text: string, message: string): number {
  const number = /^[+-]?inf(?:inity)?$/i.test(text)
    ? Number(`${text.startsWith('-') ? '-' : ''}Infinity`)
    : Number(text);
  if (text.trim() !== text || text === '' || Number.isNaN(number)) throw new ServerError(message);
  return number;
}

/** A score as Redis prints it: with 17 digits where that many are needed. */
export function printScore(score: number): string {
  if (score === Number.POSITIVE_INFINITY) return 'inf';
  if (score === Number.NEGATIVE_INFINITY) return '-inf';
  if (Number.isInteger(score) && Math.abs(score) < 1e17) return String(score);
  const [mantissa = '', exponent] = score.toPrecision(17).split('e');
  const digits = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return exponent === undefined ? digits : `${digits}e${exponent.replace(/^([+-])(\d)$/, '$10$2')}`;
}
