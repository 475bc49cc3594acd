/**
 * A model as small as models come: logistic regression, which says how likely it is that a user buys a product.
 *
 * `inputsOf` takes what the service serves, and a training set has columns of the same names; so a model scores alike online
 * and offline.
 */
import type { Answer } from '@holdfast/features';
import type { ranking } from './definitions.js';

/** What the model looks at; the first weight is that of a constant. */
export type Model = readonly number[];

type Inputs = Pick<
  Answer<typeof ranking>,
  'profile.age' | 'profile.tier' | 'hour.clicks' | 'day.paid' | 'day.seconds' | 'isAffordable' | 'stock.left'
>;

/** Numbers of about one; what is not known counts as none. */
const inputsOf = (row: Inputs): number[] => [
  1,
  (row['profile.age'] ?? 40) / 40,
  row['profile.tier'] === 'gold' ? 1 : 0,
  Math.log1p(row['hour.clicks'] ?? 0),
  Math.log1p(row['day.paid'] ?? 0) / 5,
  Math.log1p(row['day.seconds'] ?? 0) / 5,
  row.isAffordable === true ? 1 : 0,
  Math.min(row['stock.left'] ?? 0, 10) / 10,
];

/** Before there is a training set: what costs too much, or is sold out, comes last. */
export const UNTRAINED: Model = [-2, 0, 0, 0, 0, 0, 2, 2];

const likelihood = (model: Model, inputs: readonly number[]): number =>
  1 / (1 + Math.exp(-inputs.reduce((sum, input, at) => sum + input * (model[at] ?? 0), 0)));

/** From 0 to 1. */
export const score = (model: Model, row: Inputs): number => likelihood(model, inputsOf(row));

/** What was served, and whether it was bought then. */
export interface Sample {
  readonly features: Inputs;
  readonly isBought: boolean;
}

const STEPS = 200;
/** How far a step goes, and how strongly weights are pulled to 0. */
const [PACE, DECAY] = [1, 1e-3];

/** Gradient descent from the model so far; the same for the same samples. */
export function train(model: Model, samples: readonly Sample[]): Model {
  const known = samples.map(({ features, isBought }) => ({ inputs: inputsOf(features), isBought }));
  let weights = [...model];
  for (let step = 0; step < STEPS; step += 1) {
    const slope = weights.map((weight) => DECAY * weight);
    for (const { inputs, isBought } of known) {
      const error = likelihood(weights, inputs) - Number(isBought);
      for (const [at, input] of inputs.entries())
        slope[at] = (slope[at] ?? 0) + (error * input) / known.length;
    }
    weights = weights.map((weight, at) => weight - PACE * (slope[at] ?? 0));
  }
  return weights;
}

/** How badly a model is surprised by what was bought: the mean of the logarithms. */
export const lossOf = (model: Model, samples: readonly Sample[]): number =>
  samples.reduce((sum, { features, isBought }) => {
    const likely = score(model, features);
    return sum - Math.log(isBought ? likely : 1 - likely) / samples.length;
  }, 0);
