/** What a thread is at, in memory that outlives it: how many executions it began, and the input of the last one. */

const HEADER_BYTES = 16;
const LARGEST = 80_000;
/** Places in the header. */
const field = { executions: 0, length: 1, busy: 2 } as const;

export class Watched {
  readonly #numbers: Int32Array;
  readonly #bytes: Uint8Array;

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + LARGEST);
  }

  constructor(memory: SharedArrayBuffer) {
    this.#numbers = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(memory, HEADER_BYTES);
  }

  begin(input: Uint8Array): void {
    const length = Math.min(input.length, LARGEST);
    this.#bytes.set(input.subarray(0, length));
    this.#numbers[field.length] = length;
    this.#numbers[field.busy] = 1;
    Atomics.add(this.#numbers, field.executions, 1);
  }

  end(): void {
    this.#numbers[field.busy] = 0;
  }

  get executions(): number {
    return Atomics.load(this.#numbers, field.executions);
  }

  get isBusy(): boolean {
    return this.#numbers[field.busy] === 1;
  }

  get input(): Uint8Array {
    return this.#bytes.slice(0, this.#numbers[field.length]);
  }
}
