/**
 * The names of a script while it is compiled: Lua's locals, each with a name in JavaScript that no other has.
 */
export class Scope {
  readonly #names: Map<string, string>[] = [new Map()];
  readonly #temporaries: string[][] = [];
  #count = 0;

  /** Declares a local and returns its name in JavaScript. */
  declare(name: string): string {
    const own = this.#next(name);
    this.#names.at(-1)?.set(name, own);
    return own;
  }

  /** A name of the compiler's own, which hides none of the script's. */
  own(name: string): string {
    return this.#next(name);
  }

  find(name: string): string | undefined {
    return this.#names.findLast((names) => names.has(name))?.get(name);
  }

  within<T>(work: () => T): T {
    this.#names.push(new Map());
    const done = work();
    this.#names.pop();
    return done;
  }

  /** A variable of the function that is being compiled. */
  temporary(): string {
    const name = this.#next('t');
    this.#temporaries.at(-1)?.push(name);
    return name;
  }

  /** The body of a function, with the declarations of its temporaries. */
  functionBody(work: () => string): string {
    this.#temporaries.push([]);
    const code = this.within(work);
    const names = this.#temporaries.pop() ?? [];
    return names.length > 0 ? `let ${names.join(', ')};\n${code}` : code;
  }

  #next(name: string): string {
    this.#count += 1;
    return `${name === '...' ? 'rest' : name}$${this.#count}`;
  }
}
