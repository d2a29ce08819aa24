// The aggregation cases of every SDK; `sdk` is described in database.cjs.
'use strict';

const BOOKS = [
  { _id: 'a', title: 'one', price: 10, sold: 3, tags: ['x', 'y'], by: { name: 'Ann' }, shop: 1 },
  { _id: 'b', title: 'two', price: 25, sold: 0, tags: ['y'], by: { name: 'Bob' }, shop: 2 },
  { _id: 'c', title: 'three 中', price: 40, sold: 7, tags: [], by: { name: 'Ann' }, shop: 9 },
  { _id: 'd', title: 'four', price: 5.5, sold: 1, by: { name: 'Cid' }, shop: null },
];
const SHOPS = [
  { _id: 1, city: 'Rome', rent: 100 },
  { _id: 2, city: 'Oslo', rent: 20 },
];
const WHEN = new Date('2024-06-15T12:30:45.678Z');

module.exports = (sdk) => {
  const { db, data } = sdk;
  const _ = db.command;
  const $ = _.aggregate;
  const name = sdk.prefix + 'books';
  const shops = sdk.prefix + 'shops';
  const dated = sdk.prefix + 'dated';
  const books = () => db.collection(name).aggregate();
  const list = async (stages) => {
    const answer = await stages.end();
    return answer.list || answer.data;
  };

  const stages = {
    'match': () => books().match({ price: _.gt(9), 'by.name': 'Ann' }).project({ _id: 1 }),
    'match of a pattern': () => books().match({ title: db.RegExp({ regexp: '^T', options: 'i' }) }).project({ title: 1, _id: 0 }),
    'group': () =>
      books()
        .group({ _id: '$by.name', n: $.sum(1), price: $.avg('$price'), most: $.max('$sold'), all: $.push('$title') })
        .sort({ _id: 1 }),
    'group by several': () => books().group({ _id: { by: '$by.name', shop: '$shop' }, n: $.sum('$sold') }).sort({ n: -1 }).limit(2),
    'group of everything': () => books().group({ _id: null, sum: $.sum('$price'), least: $.min('$price'), first: $.first('$_id'), last: $.last('$_id') }),
    'project': () =>
      books()
        .sort({ _id: 1 })
        .limit(1)
        .project({ _id: 0, title: 1, value: $.multiply(['$price', '$sold']), first: $.arrayElemAt(['$tags', 0]), who: '$by.name' }),
    'addFields': () => books().match({ _id: 'b' }).addFields({ cheap: $.lt(['$price', 30]), 'by.age': 7 }),
    'unwind': () => books().unwind('$tags').project({ tags: 1 }).sort({ _id: 1, tags: 1 }),
    'unwind with options': () =>
      books()
        .unwind({ path: '$tags', includeArrayIndex: 'place', preserveNullAndEmptyArrays: true })
        .project({ place: 1 })
        .sort({ _id: 1, place: 1 }),
    'lookup': () => books().lookup({ from: shops, localField: 'shop', foreignField: '_id', as: 'found' }).sort({ _id: 1 }).project({ found: 1 }),
    'lookup with a pipeline': () =>
      books()
        .lookup({
          from: shops,
          let: { shop: '$shop', price: '$price' },
          pipeline: $.pipeline()
            .match(_.expr($.and([$.eq(['$_id', '$$shop']), $.gt(['$rent', '$$price'])])))
            .project({ city: 1, _id: 0 })
            .done(),
          as: 'found',
        })
        .sort({ _id: 1 })
        .project({ found: 1 }),
    'bucket': () => books().bucket({ groupBy: '$price', boundaries: [0, 20, 30], default: 'more', output: { n: $.sum(1) } }),
    'bucketAuto': () => books().bucketAuto({ groupBy: '$price', buckets: 2 }),
    'count': () => books().match({ sold: _.gt(0) }).count('n'),
    'sortByCount': () => books().sortByCount('$by.name').limit(1),
    'replaceRoot': () => books().sort({ _id: 1 }).limit(1).replaceRoot({ newRoot: $.mergeObjects(['$by', { id: '$_id' }]) }),
    'skip and limit': () => books().sort({ price: -1 }).skip(1).limit(2).project({ price: 1 }),
    'sample': () => books().sample({ size: 4 }).sort({ _id: 1 }).project({ _id: 1 }),
  };
  const expressions = {
    'cond': $.cond({ if: $.gte(['$price', 20]), then: 'dear', else: 'cheap' }),
    'switch': $.switch({ branches: [{ case: $.gt(['$price', 100]), then: 1 }], default: 2 }),
    'concat': $.concat(['$title', '-', '$by.name']),
    'substr': $.substrCP(['$title', 1, 2]),
    'filter': $.filter({ input: '$tags', as: 'tag', cond: $.eq(['$$tag', 'x']) }),
    'map': $.map({ input: '$tags', as: 'tag', in: $.toUpper('$$tag') }),
    'reduce': $.reduce({ input: '$tags', initialValue: '', in: $.concat(['$$value', '$$this']) }),
    'let': $.let({ vars: { twice: $.multiply(['$price', 2]) }, in: $.add(['$$twice', 1]) }),
    'literal': $.literal('$price'),
    'ifNull': $.ifNull(['$nothing', 'none']),
    'in': $.in(['x', '$tags']),
    'setUnion': $.setUnion(['$tags', ['z']]),
    'size': $.size('$tags'),
    'divide': $.divide(['$price', 4]),
    'dateToString': $.dateToString({ date: WHEN, format: '%Y-%m-%d %H:%M', timezone: 'Asia/Shanghai' }),
    'indexOfArray': $.indexOfArray(['$tags', 'y']),
    'objectToArray': $.objectToArray('$by'),
  };
  const asDate = (field) =>
    db
      .collection(dated)
      .aggregate()
      .project({ _id: 0, value: field });
  const refusals = {
    'an unknown operator': () => books().project({ a: { $nothing: 1 } }),
    'a limit of zero': () => books().limit(0),
    'a division by zero': () => books().project({ a: $.divide(['$price', 0]) }),
    'a missing collection': () => db.collection('no_such').aggregate().count('n'),
  };
  return [
    ['aggregate: create books', () => db.createCollection(name)],
    ['aggregate: create shops', () => db.createCollection(shops)],
    ['aggregate: create dated', () => db.createCollection(dated)],
    ['aggregate: add books', () => db.collection(name).add(data(BOOKS))],
    ['aggregate: add shops', () => db.collection(shops).add(data(SHOPS))],
    ['aggregate: add dated', () => db.collection(dated).add(data({ _id: 1, at: WHEN }))],
    ['aggregate: the shape of an answer', () => books().sort({ _id: 1 }).limit(1).project({ _id: 1 }).end()],
    ...Object.entries(stages).map(([key, make]) => [`aggregate: ${key}`, () => list(make())]),
    ...Object.entries(expressions).map(([key, value]) => [
      `aggregate: $.${key}`,
      async () => (await list(books().match({ _id: 'a' }).project({ _id: 0, value })))[0].value,
    ]),
    ['aggregate: a date as it is', () => list(asDate('$at'))],
    ['aggregate: parts of a date', () => list(asDate({ y: $.year('$at'), m: $.month('$at'), d: $.dayOfMonth('$at'), w: $.dayOfWeek('$at') }))],
    ['aggregate: match of a date', () => list(db.collection(dated).aggregate().match({ at: _.lte(WHEN) }).count('n'))],
    ...Object.entries(refusals).map(([key, make]) => [`aggregate: ${key}`, () => make().end()]),
  ];
};
