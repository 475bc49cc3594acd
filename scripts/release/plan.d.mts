/** The types of plan.mjs, for its tests. */
export const WITH_VERSION: readonly string[];
export function planOf(
  files: Readonly<Record<string, string>>,
  release: { readonly from: string; readonly to: string; readonly day: string },
): Record<string, string>;
export function publishedOf(
  manifests: readonly {
    readonly name: string;
    readonly private?: boolean;
    readonly dependencies?: Readonly<Record<string, string>>;
  }[],
): string[];
