/** The types of others.mjs, for the tests that ask for its programs. */
export function debianServer(name: string): string;
export function nodeOf(major: number): string;
export function kubernetesTools(): {
  readonly helm: string;
  readonly kubectl: string;
  readonly models: string;
};
export function debianProgram(program: string, name?: string): string;
export function npmPackages(name: string, specs: readonly string[]): string;
