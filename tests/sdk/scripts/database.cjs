// The database cases of every SDK. The four differ only in how data is handed over and in the
// shape of answers: `sdk.data` wraps the data of a call, `sdk.one` picks a document.
'use strict';

const PEOPLE = [
  { _id: 'a', name: 'Ann', age: 20, tags: ['x', 'y'], at: { city: 'Rome', zip: 1 }, score: 1.5 },
  { _id: 'b', name: 'Bob', age: 30, tags: ['y'], at: { city: 'Oslo', zip: 2 }, score: null },
  { _id: 'c', name: 'Cid', age: 40, tags: [], at: { city: 'Rome', zip: 3 } },
  { _id: 'd', name: 'dan 中文', age: 50, tags: ['z', 'x', 'q'], marks: [{ n: 1 }, { n: 5 }] },
];

function collections(sdk) {
  const { db, data } = sdk;
  return [
    ['create collection', () => db.createCollection(sdk.prefix + 'people')],
    ['create collection twice', () => db.createCollection(sdk.prefix + 'people')],
    ['create work', () => db.createCollection(sdk.prefix + 'work')],
    ['create many', () => db.createCollection(sdk.prefix + 'many')],
    ['create with a bad name', () => db.createCollection('1 bad name!')],
    ['add one', () => sdk.people.add(data(PEOPLE[0]))],
    ['add many', () => sdk.people.add(data(PEOPLE.slice(1)))],
    ['add generates an id', () => sdk.many.add(data({ n: -1 }))],
    ['add a taken id', () => sdk.people.add(data({ _id: 'a' }))],
    ['add a field with a dollar', () => sdk.people.add(data({ $bad: 1 }))],
    ['get of a missing collection', () => db.collection('no_such').get()],
    ['add to a missing collection', () => db.collection('no_such').add(data({ a: 1 }))],
    ['update in a missing collection', () => db.collection('no_such').doc('x').update(data({ a: 1 }))],
    ['remove in a missing collection', () => db.collection('no_such').doc('x').remove()],
    ['count of a missing collection', () => db.collection('no_such').count()],
  ];
}

function queries(sdk) {
  const { db } = sdk;
  const _ = db.command;
  const conditions = {
    'plain value': { name: 'Bob' },
    'nested object': { at: { city: 'Rome' } },
    'dotted path': { 'at.zip': 2 },
    'two fields': { age: 20, name: 'Ann' },
    'null': { score: null },
    'array member': { tags: 'x' },
    'eq': { age: _.eq(30) },
    'eq of an object': { at: _.eq({ city: 'Rome', zip: 3 }) },
    'neq': { age: _.neq(30) },
    'gt': { age: _.gt(30) },
    'gte': { age: _.gte(30) },
    'lt': { age: _.lt(30) },
    'lte': { age: _.lte(30) },
    'in': { age: _.in([20, 50, 99]) },
    'nin': { age: _.nin([20, 50]) },
    'and of a field': { age: _.gt(20).and(_.lt(50)) },
    'and': _.and([{ age: _.gt(20) }, { 'at.city': 'Rome' }]),
    'or of a field': { age: _.lt(25).or(_.gt(45)) },
    'or': _.or([{ name: 'Ann' }, { age: _.gte(50) }]),
    'nor': _.nor([{ name: 'Ann' }, { age: _.gte(50) }]),
    'not': { age: _.not(_.gt(20)) },
    'exists': { score: _.exists(true) },
    'exists not': { marks: _.exists(false) },
    'size': { tags: _.size(2) },
    'mod': { age: _.mod(20, 0) },
    'all': { tags: _.all(['x', 'y']) },
    'elemMatch': { marks: _.elemMatch({ n: _.gt(4) }) },
    'regular expression': { name: /^[AB]/ },
    'regular expression ignoring case': { name: /^D/i },
    'RegExp of the database': { name: db.RegExp({ regexp: '中', options: 'i' }) },
    'expr': _.expr(_.aggregate.gt(['$age', 35])),
    'operator as text': { name: { $regex: '^C' } },
    'none': { name: 'nobody' },
    'everything': {},
  };
  const ordered = () => sdk.people.orderBy('_id', 'asc');
  return [
    ...Object.entries(conditions).map(([name, condition]) => [
      'where ' + name,
      async () => (await ordered().where(condition).get()).data.map((each) => each._id),
    ]),
    ['get everything', async () => (await sdk.people.orderBy('_id', 'asc').get()).data],
    ['get in insertion order', async () => (await sdk.people.get()).data.map((each) => each._id)],
    ['get one', async () => sdk.one(await sdk.people.doc('b').get())],
    ['get a missing document', async () => sdk.one(await sdk.people.doc('nope').get())],
    ['sort', async () => (await sdk.people.orderBy('at.city', 'asc').orderBy('age', 'desc').get()).data.map((each) => each._id)],
    ['skip and limit', async () => (await ordered().skip(1).limit(2).get()).data.map((each) => each._id)],
    ['some fields', async () => (await sdk.people.where({ _id: 'a' }).field({ name: true, 'at.city': true, _id: false }).get()).data],
    ['all fields but one', async () => (await sdk.people.where({ _id: 'b' }).field({ at: false, tags: false }).get()).data],
    ['count', () => sdk.people.where({ age: _.gte(30) }).count()],
    ['count everything', () => sdk.people.count()],
  ];
}

function updates(sdk) {
  const { db, data } = sdk;
  const _ = db.command;
  const before = { n: 1, list: [1, 2, 3], at: { city: 'Rome', zip: 1 }, gone: true, s: 'text' };
  const changes = {
    'plain value': { n: 5, added: 'x' },
    'nested object merges': { at: { city: 'Oslo' } },
    'dotted path': { 'at.zip': 9 },
    'set': { n: _.set(7) },
    'set replaces an object': { at: _.set({ city: 'Oslo' }) },
    'inc': { n: _.inc(2) },
    'inc by a fraction': { n: _.inc(0.5) },
    'inc of a missing field': { fresh: _.inc(3) },
    'mul': { n: _.mul(10) },
    'min': { n: _.min(0) },
    'max': { n: _.max(9) },
    'remove': { gone: _.remove() },
    'rename': { gone: _.rename('stays') },
    'push one': { list: _.push(4) },
    'push several': { list: _.push([4, 5]) },
    'push with sort and slice': { list: _.push({ each: [9, 0], position: 1, sort: -1, slice: 4 }) },
    'push creates': { fresh: _.push(['a']) },
    'pop': { list: _.pop() },
    'shift': { list: _.shift() },
    'unshift': { list: _.unshift([8, 9]) },
    'addToSet of a member': { list: _.addToSet(2) },
    'addToSet of another': { list: _.addToSet(7) },
    'addToSet of several': { list: _.addToSet({ $each: [1, 7, 8] }) },
    'pull': { list: _.pull(2) },
    'pull by condition': { list: _.pull(_.gte(2)) },
    'pullAll': { list: _.pullAll([1, 3]) },
    'bit': { n: _.bit ? _.bit({ or: 6 }) : 7 },
    'array by index': { 'list.1': 'two' },
    'array replaced': { list: [9] },
    'several at once': { n: _.inc(1), s: 'other', 'at.zip': _.mul(2) },
  };
  const changed = async (change) => {
    await sdk.work.doc('u').set(data(before));
    const told = await sdk.work.doc('u').update(data(change));
    return { told, after: sdk.one(await sdk.work.doc('u').get()) };
  };
  return [
    ...Object.entries(changes).map(([name, change]) => ['update ' + name, () => changed(change)]),
    ['inc of a text', () => changed({ s: _.inc(1) })],
    ['push to a number', () => changed({ n: _.push(1) })],
    ['update with equal values', () => changed({ n: 1 })],
    ['update a missing document', () => sdk.work.doc('nope').update(data({ n: 1 }))],
    ['set creates', async () => {
      const told = await sdk.work.doc('made').set(data({ a: 1, b: { c: 2 } }));
      return { told, after: sdk.one(await sdk.work.doc('made').get()) };
    }],
    ['set replaces', async () => {
      const told = await sdk.work.doc('made').set(data({ z: 1 }));
      return { told, after: sdk.one(await sdk.work.doc('made').get()) };
    }],
    ['update many', async () => {
      const told = await sdk.people.where({ age: _.gt(20) }).update(data({ old: true }));
      return { told, old: (await sdk.people.where({ old: true }).count()).total };
    }],
    ['remove one', async () => {
      const told = await sdk.people.doc('d').remove();
      return { told, left: (await sdk.people.count()).total };
    }],
    ['remove a missing document', () => sdk.people.doc('d').remove()],
    ['remove by condition', async () => {
      const told = await sdk.people.where({ age: _.gte(30) }).remove();
      return { told, left: (await sdk.people.count()).total };
    }],
    ['remove without a condition', () => sdk.people.remove()],
  ];
}

function values(sdk) {
  const { db, data } = sdk;
  const moment = new Date('2024-02-29T12:34:56.789Z');
  const point = new db.Geo.Point(113.5, 23.25);
  const kept = {
    'whole numbers': [0, -1, 2147483647, 2147483648, -2147483649, Number.MAX_SAFE_INTEGER],
    'fractions': [0.1, -2.5, 1e-7, 1.5e300],
    'not a number': [NaN, Infinity, -Infinity],
    'texts': ['', '中文 😀', 'line\nbreak', '"quoted" \\ \u2028', '$dollar', '"$date"'],
    'null and booleans': [null, true, false],
    'nested': { a: [{ b: [[1], []] }, {}] },
    'date': moment,
    'dates': { list: [moment, new Date(0)], early: new Date('1902-03-04T05:06:07.008Z') },
    'undefined is left out': { a: undefined, b: 1 },
    'point': point,
    'line': new db.Geo.LineString([point, new db.Geo.Point(114, 24)]),
    'key with a dot': { 'a.b': 1 },
    'long text': 'x'.repeat(100000),
  };
  const stored = async (value) => {
    await sdk.work.doc('v').set(data({ value }));
    return sdk.one(await sdk.work.doc('v').get()).value;
  };
  const hex = '5f'.repeat(12);
  return [
    ...Object.entries(kept).map(([name, value]) => ['keep ' + name, () => stored(value)]),
    ['server dates', async () => {
      const now = Date.now();
      await sdk.work.doc('s').set(data({
        now: db.serverDate(),
        later: { at: db.serverDate({ offset: 3600000 }) },
        list: [db.serverDate({ offset: -1000 })],
      }));
      const doc = sdk.one(await sdk.work.doc('s').get());
      return {
        isDate: doc.now instanceof Date,
        isNow: Math.abs(doc.now - now) < 60000,
        later: doc.later.at - doc.now,
        earlier: doc.list[0] - doc.now,
      };
    }],
    ['where on a date', async () => {
      await sdk.work.doc('s').update(data({ day: moment }));
      const found = await sdk.work.where({ day: db.command.lte(moment) }).get();
      return found.data.map((each) => each._id);
    }],
    ['numeric id', async () => {
      await sdk.work.add(data({ _id: 7, n: 'seven' }));
      return [sdk.one(await sdk.work.doc(7).get()), (await sdk.work.where({ _id: '7' }).count()).total];
    }],
    ['object id', async () => {
      if (!db.ObjectId) return 'this SDK has none';
      await sdk.work.add(data({ _id: 'with-oid', ref: new db.ObjectId({ id: hex }) }));
      const doc = sdk.one(await sdk.work.doc('with-oid').get());
      const found = await sdk.work.where({ ref: new db.ObjectId({ id: hex }) }).get();
      return [doc.ref, found.data.length];
    }],
    ['limits of get', async () => {
      const documents = Array.from({ length: 1001 }, (_unused, n) => ({ n }));
      await sdk.many.add(data(documents));
      return [
        (await sdk.many.get()).data.length,
        (await sdk.many.limit(1000).get()).data.length,
        (await sdk.many.limit(5000).get()).data.length,
        (await sdk.many.count()).total,
      ];
    }],
  ];
}

module.exports = (sdk) => {
  sdk.people = sdk.db.collection(sdk.prefix + 'people');
  sdk.work = sdk.db.collection(sdk.prefix + 'work');
  sdk.many = sdk.db.collection(sdk.prefix + 'many');
  return [...collections(sdk), ...queries(sdk), ...updates(sdk), ...values(sdk)];
};
