import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { takeInterruption } from '../src/interruption.ts';

class Exited extends Error {}

class FakeProcess extends EventEmitter {
  exitCode: number | undefined;
  exit(code: number): never {
    this.exitCode = code;
    throw new Exited();
  }
}

describe('Ctrl-C', () => {
  it('asks for a clean stop at first, and ends the process when pressed again', () => {
    let milliseconds = 0;
    const process = new FakeProcess();
    const interruption = takeInterruption(process, () => milliseconds);
    assert.equal(interruption.signal.aborted, false);
    process.emit('SIGINT');
    assert.equal(interruption.signal.aborted, true);
    milliseconds = 1_000;
    assert.throws(() => process.emit('SIGINT'), Exited);
    assert.equal(process.exitCode, 130);
  });

  it('counts once when npm forwards the press that the terminal has delivered', () => {
    let milliseconds = 0;
    const process = new FakeProcess();
    takeInterruption(process, () => milliseconds);
    process.emit('SIGINT');
    milliseconds = 20;
    process.emit('SIGINT');
    assert.equal(process.exitCode, undefined);
  });

  it('means the usual again once the command has given it back', () => {
    const process = new FakeProcess();
    takeInterruption(process, () => 0).dispose();
    assert.equal(process.listenerCount('SIGINT') + process.listenerCount('SIGTERM'), 0);
  });
});
