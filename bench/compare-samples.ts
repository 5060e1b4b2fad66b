/** Are two samples from one distribution? Two tests that need no assumption about it. */
import { median } from './statistics.ts';

export interface Comparison {
  /** Kolmogorov-Smirnov: the largest distance between the two distribution functions, and how probable one so large is. */
  readonly ks: { readonly distance: number; readonly probability: number };
  /** Mann-Whitney: how often a value of one is larger than one of the other (0.5: as often), and how probable that is. */
  readonly mannWhitney: { readonly share: number; readonly probability: number };
  /** Of one less that of the other, with its 99 % bootstrap interval, in the values' unit. */
  readonly medianDifference: { readonly value: number; readonly low: number; readonly high: number };
}

const BOOTSTRAP_ROUNDS = 400;

export function compare(one: readonly number[], other: readonly number[]): Comparison {
  return {
    ks: kolmogorovSmirnov(one, other),
    mannWhitney: mannWhitney(one, other),
    medianDifference: bootstrap(one, other),
  };
}

function kolmogorovSmirnov(one: readonly number[], other: readonly number[]): Comparison['ks'] {
  const a = one.toSorted((x, y) => x - y);
  const b = other.toSorted((x, y) => x - y);
  let distance = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const next = Math.min(a[i]!, b[j]!);
    while (i < a.length && a[i]! <= next) i += 1;
    while (j < b.length && b[j]! <= next) j += 1;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  const size = Math.sqrt((a.length * b.length) / (a.length + b.length));
  // Stephens' approximation of the Kolmogorov distribution (1970).
  const lambda = (size + 0.12 + 0.11 / size) * distance;
  let probability = 0;
  for (let k = 1; k <= 100; k += 1) probability += 2 * (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * lambda * lambda);
  return { distance, probability: lambda < 0.2 ? 1 : Math.min(1, Math.max(0, probability)) };
}

function mannWhitney(one: readonly number[], other: readonly number[]): Comparison['mannWhitney'] {
  const all = [...one.map((value) => ({ value, first: true })), ...other.map((value) => ({ value, first: false }))];
  all.sort((x, y) => x.value - y.value);
  let rankSum = 0;
  for (let start = 0, end = 0; start < all.length; start = end) {
    while (end < all.length && all[end]!.value === all[start]!.value) end += 1;
    // Equal values share their ranks.
    const rank = (start + 1 + end) / 2;
    for (let index = start; index < end; index += 1) if (all[index]!.first) rankSum += rank;
  }
  const u = rankSum - (one.length * (one.length + 1)) / 2;
  const pairs = one.length * other.length;
  const z = (u - pairs / 2) / Math.sqrt((pairs * (one.length + other.length + 1)) / 12);
  return { share: u / pairs, probability: 2 * (1 - normal(Math.abs(z))) };
}

/** Distribution function of the normal distribution, by Abramowitz and Stegun 26.2.17: exact to 7.5e-8. */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * tail;
}

function bootstrap(one: readonly number[], other: readonly number[]): Comparison['medianDifference'] {
  const drawn = (values: readonly number[]) =>
    median(Array.from(values, () => values[Math.floor(Math.random() * values.length)]!));
  const differences = Array.from({ length: BOOTSTRAP_ROUNDS }, () => drawn(one) - drawn(other)).sort((x, y) => x - y);
  return {
    value: median(one) - median(other),
    low: differences[Math.floor(BOOTSTRAP_ROUNDS * 0.005)]!,
    high: differences[Math.floor(BOOTSTRAP_ROUNDS * 0.995)]!,
  };
}
