import { describe, expect, test, vi } from 'vitest';

import { OciError, Operation } from './index.js';

type Step = number;

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

describe('as a promise', () => {
  test('an operation gives the result of its work', async () => {
    await expect(new Operation(() => Promise.resolve(42))).resolves.toBe(42);
  });

  test('it fails as its work fails, also when the work throws at once', async () => {
    const error = new OciError('NETWORK', 'x');
    const late = new Operation(() => Promise.reject(error));
    const atOnce = new Operation(() => {
      throw error;
    });
    await expect(late).rejects.toBe(error);
    await expect(atOnce).rejects.toBe(error);
  });

  test('it is a promise in every way, and what follows it is a plain one', async () => {
    const ended = vi.fn<() => void>();
    const operation = new Operation(() => Promise.resolve(42));
    expect(operation).toBeInstanceOf(Promise);
    expect(Object.prototype.toString.call(operation)).toBe('[object Operation]');
    const followed = operation.finally(ended);
    expect(followed).not.toBeInstanceOf(Operation);
    expect(await followed).toBe(42);
    expect(ended).toHaveBeenCalledTimes(1);
    const failed = new Operation<number>(() => Promise.reject(new OciError('NETWORK', 'x')));
    expect(await failed.catch(() => 7)).toBe(7);
    expect(await Promise.all([operation, failed.catch(() => 8)])).toEqual([42, 8]);
  });

  test('it can be awaited many times, and works once', async () => {
    const work = vi.fn<() => Promise<string>>(() => Promise.resolve('x'));
    const operation = new Operation(work);
    expect([await operation, await operation]).toEqual(['x', 'x']);
    expect(work).toHaveBeenCalledTimes(1);
  });

  test('the work begins after whoever made it had the turn to listen', async () => {
    const work = vi.fn<(emit: (step: Step) => void) => Promise<void>>((emit) =>
      Promise.resolve(emit(1)),
    );
    const operation = new Operation<void, Step>(work);
    expect(work).not.toHaveBeenCalled();
    const seen: Step[] = [];
    operation.on((step) => seen.push(step));
    await operation;
    expect(seen).toEqual([1]);
  });

  test('a failure that nobody looks at does not end the process', async () => {
    const unhandled = vi.fn<() => void>();
    process.on('unhandledRejection', unhandled);
    try {
      const operation = new Operation(() => Promise.reject(new Error('unseen')));
      expect(operation).toBeInstanceOf(Operation);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });
});

describe('as an iteration', () => {
  test('it gives every event in order and ends with the work', async () => {
    const operation = new Operation<string, Step>(async (emit) => {
      emit(1);
      emit(2);
      await Promise.resolve();
      emit(3);
      return 'result';
    });
    expect(await collect(operation)).toEqual([1, 2, 3]);
    expect(await operation).toBe('result');
  });

  test('it gives events that are undefined or false, too', async () => {
    const operation = new Operation<void, unknown>((emit) => {
      for (const event of [undefined, 0, undefined, '']) emit(event);
      return Promise.resolve();
    });
    expect(await collect(operation)).toEqual([undefined, 0, undefined, '']);
  });

  test('it gives the events up to a failure, then fails with it', async () => {
    const error = new OciError('NETWORK', 'x');
    const operation = new Operation<void, Step>((emit) => {
      emit(1);
      return Promise.reject(error);
    });
    const seen: Step[] = [];
    const iteration = (async () => {
      for await (const step of operation) seen.push(step);
    })();
    await expect(iteration).rejects.toBe(error);
    expect(seen).toEqual([1]);
  });

  test('several iterations see the same events', async () => {
    const operation = new Operation<void, Step>(async (emit) => {
      emit(1);
      await Promise.resolve();
      emit(2);
    });
    const both = await Promise.all([collect(operation), collect(operation)]);
    expect(both).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test('events from before it began are not kept', async () => {
    const gate = deferred();
    const reached = deferred();
    const operation = new Operation<void, Step>(async (emit) => {
      emit(1);
      reached.resolve();
      await gate.promise;
      emit(2);
    });
    await reached.promise;
    const iteration = collect(operation);
    gate.resolve();
    expect(await iteration).toEqual([2]);
    expect(await collect(operation)).toEqual([]);
  });

  test('a slow reader misses nothing', async () => {
    const operation = new Operation<void, Step>(async (emit) => {
      for (let step = 0; step < 1000; step += 1) {
        emit(step);
        if (step % 7 === 0) await Promise.resolve();
      }
    });
    const seen: Step[] = [];
    for await (const step of operation) {
      if (step % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      seen.push(step);
    }
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, step) => step));
  });

  test('leaving it early detaches it and lets the work go on', async () => {
    const gate = deferred();
    const operation = new Operation<string, Step>(async (emit) => {
      emit(1);
      await gate.promise;
      emit(2);
      return 'done';
    });
    const detached = vi.fn<() => void>();
    const on = operation.on.bind(operation);
    vi.spyOn(operation, 'on').mockImplementation((listener) => {
      const end = on(listener);
      return () => {
        detached();
        end();
      };
    });
    for await (const step of operation) {
      expect(step).toBe(1);
      break;
    }
    expect(detached).toHaveBeenCalledTimes(1);
    gate.resolve();
    expect(await operation).toBe('done');
  });

  test('leaving it early and a failure later do not end the process', async () => {
    const unhandled = vi.fn<() => void>();
    process.on('unhandledRejection', unhandled);
    try {
      const gate = deferred();
      const operation = new Operation<void, Step>(async (emit) => {
        emit(1);
        await gate.promise;
        throw new Error('unseen');
      });
      for await (const step of operation) if (step === 1) break;
      gate.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });
});

test('a listener that was taken off hears nothing more', async () => {
  const gate = deferred();
  const reached = deferred();
  const operation = new Operation<void, Step>(async (emit) => {
    emit(1);
    reached.resolve();
    await gate.promise;
    emit(2);
  });
  const first: Step[] = [];
  const second: Step[] = [];
  const off = operation.on((step) => first.push(step));
  operation.on((step) => second.push(step));
  await reached.promise;
  off();
  gate.resolve();
  await operation;
  expect([first, second]).toEqual([[1], [1, 2]]);
});

async function collect<E>(operation: AsyncIterable<E>): Promise<E[]> {
  const events: E[] = [];
  for await (const event of operation) events.push(event);
  return events;
}
