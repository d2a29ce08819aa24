// The transactions of every SDK. `sdk.data` wraps the data of a call.
'use strict';

const told = (error) => ({ code: error.code, errCode: error.errCode, message: String(error.message) });
const failed = (promise) => promise.then(({ requestId, ...value }) => ({ value }), told);

module.exports = (sdk) => {
  const { db, data } = sdk;
  const _ = db.command;
  const name = sdk.prefix + 'accounts';
  const outside = db.collection(name);
  const fill = async () => {
    await outside.doc('a').set(data({ n: 100 }));
    await outside.doc('b').set(data({ n: 5 }));
  };
  const balances = async () => (await outside.orderBy('_id', 'asc').get()).data;
  const inc = (transaction, id, by) =>
    transaction.collection(name).doc(id).update(data({ n: _.inc(by) }));

  return [
    ['transaction: prepare', async () => {
      await db.createCollection(name);
      await fill();
    }],
    ['transaction: every call', async () => {
      const transaction = await db.startTransaction();
      const inside = transaction.collection(name);
      const answers = {
        add: await inside.add(data({ _id: 'c', n: 1 })),
        addMany: await inside.add(data([{ _id: 7, n: 7 }, { _id: 'e', n: 2 }])),
        get: await inside.doc('c').get(),
        numeric: await inside.doc(7).get(),
        update: await inside.doc('a').update(data({ n: _.inc(1) })),
        set: await inside.doc('b').set(data({ n: 6 })),
        setNew: await inside.doc('f').set(data({ n: 9 })),
        remove: await inside.doc('e').remove(),
        missing: await failed(inside.doc('nope').get()),
        where: (await inside.where({ n: _.gt(5) }).orderBy('n', 'asc').get()).data,
      };
      const before = (await balances()).length;
      await transaction.commit();
      for (const each of Object.values(answers)) delete each.requestId;
      return { ...answers, before, after: await balances() };
    }],
    ['transaction: rollback', async () => {
      await Promise.all(['c', 'f'].map((id) => outside.doc(id).remove()));
      await outside.doc(7).remove();
      await fill();
      const transaction = await db.startTransaction();
      await inc(transaction, 'a', 1);
      await transaction.rollback();
      return balances();
    }],
    ['transaction: snapshot', async () => {
      const transaction = await db.startTransaction();
      const first = (await transaction.collection(name).doc('a').get()).data.n;
      await outside.doc('a').update(data({ n: 1 }));
      const second = (await transaction.collection(name).doc('a').get()).data.n;
      const conflict = await failed(inc(transaction, 'a', 1));
      await fill();
      return { first, second, conflict };
    }],
    ['transaction: conflict', async () => {
      const winner = await db.startTransaction();
      const loser = await db.startTransaction();
      await inc(winner, 'a', 1);
      const conflict = await failed(inc(loser, 'a', 1));
      const after = await failed(loser.rollback());
      await winner.commit();
      await fill();
      return { conflict, after };
    }],
    ['transaction: an outside write waits', async () => {
      const transaction = await db.startTransaction();
      await inc(transaction, 'a', 1);
      const order = [];
      const writing = outside.doc('a').update(data({ n: _.mul(2) })).then(() => order.push('write'));
      await outside.doc('b').update(data({ n: 0 }));
      order.push('other');
      await transaction.commit();
      await writing;
      const { n } = (await balances())[0];
      await fill();
      return { order, n };
    }],
    ['transaction: over', async () => {
      const transaction = await db.startTransaction();
      await transaction.commit();
      return {
        get: await failed(transaction.collection(name).doc('a').get()),
        commit: await failed(transaction.commit()),
      };
    }],
    ['transaction: run', async () => {
      const result = await db.runTransaction(async (transaction) => {
        await inc(transaction, 'a', -10);
        await inc(transaction, 'b', 10);
        return { success: true };
      });
      const after = await balances();
      await fill();
      return { result, after };
    }],
    ['transaction: run throws', async () => {
      const error = await failed(db.runTransaction(async (transaction) => {
        await inc(transaction, 'a', -10);
        throw new Error('Insufficient balance');
      }));
      return { error: error.message, after: await balances() };
    }],
    ['transaction: run rolls back', async () => {
      const reason = await db.runTransaction(async (transaction) => {
        await inc(transaction, 'a', -10);
        await transaction.rollback({ left: 5 });
      }).then(() => 'resolved', (why) => why);
      return { reason, after: await balances() };
    }],
    ['transaction: run meets a conflict', async () => {
      const blocker = await db.startTransaction();
      await inc(blocker, 'a', 1);
      let attempts = 0;
      const outcome = await failed(db.runTransaction(async (transaction) => {
        attempts += 1;
        if (attempts === 2) await blocker.rollback();
        await inc(transaction, 'a', 1);
        return { done: true };
      }));
      if (attempts < 2) await blocker.rollback();
      const { n } = (await balances())[0];
      await fill();
      return { attempts, value: outcome.value, n };
    }],
    ['transaction: run meets conflicts only', async () => {
      const blocker = await db.startTransaction();
      await inc(blocker, 'a', 1);
      let attempts = 0;
      const error = await failed(db.runTransaction((transaction) => {
        attempts += 1;
        return inc(transaction, 'a', 1);
      }));
      await blocker.rollback();
      return { attempts, error };
    }],
    ['transaction: the guide', async () => {
      const transfer = (amount) => db.runTransaction(async (transaction) => {
        const from = await transaction.collection(name).doc('a').get();
        if (from.data.n < amount) throw new Error('Insufficient balance');
        await inc(transaction, 'a', -amount);
        await inc(transaction, 'b', amount);
        return { success: true };
      });
      const outcomes = [await transfer(40), await failed(transfer(100))];
      return { outcomes: outcomes.map((each) => each.success || each.message), after: await balances() };
    }],
    ['transaction: a thousand documents', async () => {
      const transaction = await db.startTransaction();
      const documents = Array.from({ length: 1001 }, (_unused, n) => ({ n, many: true }));
      await transaction.collection(name).add(data(documents));
      const { total } = await outside.where({ many: true }).count();
      await transaction.commit();
      return [total, (await outside.where({ many: true }).count()).total];
    }],
  ];
};
