/** What a server answers: a value, or an error. */
export type Reply = string | number | null | readonly Reply[];

/** What Redis answers as an error: its message begins with the word that clients know it by. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}
