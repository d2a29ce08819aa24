// The transactions of tcb-admin-node 1, which have actions of their own:
// node transactions_old.cjs FOLDER_OF_THE_SDK PREFIX RESULT_FILE
'use strict';

console.__baseLog__ = () => {}; // the platform has it, and the SDK calls it without asking

const [folder, prefix, file] = process.argv.slice(2);
const { record } = require('./record.cjs');
const app = require(folder).init({
  env: process.env.TCB_ENV,
  serviceUrl: `${process.env.CLOUD_EMU_URL}/admin`,
});
const db = app.database();
const _ = db.command;
const name = `${prefix}accounts`;
const outside = db.collection(name);
const plain = ({ requestId, ...answer }) => answer;
const balances = async () => (await outside.orderBy('_id', 'asc').get()).data;

record([
  ['prepare', async () => {
    await db.createCollection(name);
    await outside.add({ _id: 'a', n: 100 });
    await outside.add({ _id: 'b', n: 5 });
  }],
  ['every call', async () => {
    const transaction = await db.startTransaction();
    const inside = transaction.collection(name);
    const at = new Date('2024-02-29T12:34:56.789Z');
    const answers = {
      add: await inside.add({ _id: 'c', n: 1.5, at }),
      addNumber: await inside.add({ _id: 7, n: 7 }),
      addNoId: await inside.add({ _id: undefined, z: 1 }).then(plain),
      get: await inside.doc('c').get(),
      missing: await inside.doc('nope').get(),
      update: await inside.doc('a').update({ n: _.inc(1), 'in.x': 2 }),
      set: await inside.doc('b').set({ n: 6, at }),
      setNew: await inside.doc('f').set({ n: 9 }),
      delete: await inside.doc(7).delete(),
    };
    await transaction.commit();
    await outside.where({ z: 1 }).remove();
    return {
      ...Object.fromEntries(Object.entries(answers).map(([key, each]) => [key, plain(each)])),
      after: await balances(),
    };
  }],
  ['conflict', async () => {
    const winner = await db.startTransaction();
    let attempts = 0;
    await winner.collection(name).doc('a').update({ n: 0 });
    const error = await db.runTransaction((transaction) => {
      attempts += 1;
      return transaction.collection(name).doc('a').update({ n: 1 });
    }).catch((fault) => fault);
    await winner.rollback();
    return { attempts, code: error.code };
  }],
  ['run rolls back', async () => db.runTransaction(async (transaction) => {
    await transaction.collection(name).doc('a').update({ n: 0 });
    await transaction.rollback('no');
  }).catch((reason) => reason)],
], file);
