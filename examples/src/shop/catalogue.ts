/** What Kelp & Co. sells, and to whom. */
import { ACCOUNTS } from './setting.js';

export interface Product {
  readonly id: string;
  readonly name: string;
  /** What the search finds it by. */
  readonly text: string;
  /** In euros. */
  readonly price: number;
  /** The colour of its picture, in degrees. */
  readonly hue: number;
}

const SOLD: readonly (readonly [name: string, text: string, price: number])[] = [
  ['Sea salt soap', 'A bar of soap with salt from the sea, for washing hands and body', 5],
  ['Kelp broth', 'Dried seaweed for a warm soup on a cold evening', 6],
  ['Storm lantern', 'A lamp with a glass that burns on in wind and rain', 39],
  ['Wool blanket', 'A thick blanket that keeps you warm at night', 89],
  ['Oilskin coat', 'A waterproof jacket for bad weather', 149],
  ['Harbour mug', 'A cup for coffee or tea', 12],
  ['Brass compass', 'Shows where north is, for those who have lost their way', 54],
  ['Net bag', 'A bag for carrying shopping and fruit', 10],
  ['Driftwood puzzle', 'A game for children and for rainy days', 21],
  ['Tide table', 'A book that says when the water is high and low', 8],
  ['Fisherman sweater', 'A knitted pullover of wool', 99],
  ['Rope hammock', 'A bed to hang between two trees, for sleeping in summer', 67],
];

export const CATALOGUE: readonly Product[] = SOLD.map(([name, text, price], at) => ({
  ...{ id: name.toLowerCase().replaceAll(' ', '-'), name, text, price },
  hue: (150 + at * 31) % 360,
}));

const BY_ID = new Map(CATALOGUE.map((product) => [product.id, product]));

export const isSold = (id: unknown): id is string => typeof id === 'string' && BY_ID.has(id);

/** Throws an Error for what is not sold. */
export function productOf(id: string): Product {
  const product = BY_ID.get(id);
  if (product === undefined) throw new Error(`There is no product "${id}".`);
  return product;
}

/** The accounts are "1" to "60". One in twenty is new and from nowhere: the model will speak for fraud. */
export const CUSTOMERS = Array.from({ length: ACCOUNTS }, (_, at) => ({
  id: String(at + 1),
  values: at % 20 === 12 ? { age: 1, country: '??' } : { age: 100 + at, country: 'DE' },
}));
