/**
 * What a document has in an index of words, or of weights of terms.
 *
 * Guarantees: it has what the document says, or nothing, if that does not fit.
 */
interface Words<Content> {
  put(id: string, content: Content): void;
  delete(id: string): boolean;
}

/** Throws MisuseError and UnavailableError; then it has nothing. */
export function replaced<Content>(words: Words<Content>, id: string, content: Content | undefined): void {
  try {
    if (content === undefined) words.delete(id);
    else words.put(id, content);
  } catch (error) {
    words.delete(id); // what it had before is not of this document
    throw error;
  }
}
