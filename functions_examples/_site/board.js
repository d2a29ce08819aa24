/**
 * The order board: an app of Cloud Development in one page, without a library or a build.
 *
 * Documents come over watch(), orders go through the collection's rules, pictures into storage;
 * what happens to an order after that is done by functions: onOrderCreate, advanceOrder, dailyTasks.
 */

import { cloud } from '/_emu/sdk/wx-cloud.js'
import { drawing, h, smaller } from './art.js'
import { LANGUAGES, text } from './text.js'

const ORDERS_SHOWN = 60
const NIGHTS_SHOWN = 8
const FEED_LINES = 8
const SERVED_SHOWN = 6
const LANES = ['processing', 'ready', 'served']
const ID_SIGNS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const PHASES = { new: 'feedNew', processing: 'feedProcessing', rejected: 'feedRejected', ready: 'feedReady', served: 'feedServed' }

const at = (id) => document.getElementById(id)
const kept = {
  get: (name) => {
    try {
      return localStorage.getItem(`board.${name}`)
    } catch {
      return null
    }
  },
  put: (name, value) => {
    try {
      localStorage.setItem(`board.${name}`, value)
    } catch {
      // A private window keeps nothing, and the board works without.
    }
  }
}

const id = (length) =>
  Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => ID_SIGNS[byte % 32]).join('')
const asked = new URLSearchParams(location.search)
const openid = asked.get('emu_openid') || kept.get('openid') || `guest-${id(8)}`
kept.put('openid', openid)

const wanted = asked.get('lang') || kept.get('language') || navigator.language.slice(0, 2)
const state = {
  language: LANGUAGES.includes(wanted) ? wanted : 'en',
  products: null,
  orders: [],
  reports: [],
  cart: new Map(),
  urls: new Map(),
  happened: [],
  live: 'connecting',
  picture: null
}
const t = (key, gaps) => text(state.language, key, gaps)
const nameOf = (item) => (state.language === 'zh' && item.nameZh) || item.name || item._id

cloud.init({ openid })
const db = cloud.database()

// ---------------------------------------------------------------- live queries

function watch(query, heard) {
  query.watch({
    onChange(snapshot) {
      state.live = 'live'
      heard(snapshot)
      draw()
    },
    onError() {
      state.live = 'broken'
      draw()
      setTimeout(() => watch(query, heard), 3000)
    }
  })
}

const newest = (name, field, limit) => db.collection(name).orderBy(field, 'desc').limit(limit)

watch(db.collection('products'), ({ docs }) => {
  const kind = (a, b) => String(a.category).localeCompare(String(b.category))
  state.products = docs.slice().sort((a, b) => kind(a, b) || a.price - b.price)
})

/** Rules say who may order, not what an order looks like: what a guest left out is filled in. */
const readable = (doc) => ({
  ...doc,
  name: String(doc.name ?? ''),
  note: String(doc.note ?? ''),
  items: (Array.isArray(doc.items) ? doc.items : []).filter((item) => item && item.quantity > 0),
  amount: Number(doc.amount) || 0,
  createTime: doc.createTime instanceof Date ? doc.createTime : new Date(0)
})

watch(newest('orders', 'createTime', ORDERS_SHOWN), ({ docs, docChanges, type }) => {
  const before = new Map(state.orders.map((each) => [each._id, each.status]))
  state.orders = docs.map(readable).sort((a, b) => b.createTime - a.createTime)
  if (type === 'init') return
  for (const { docId, doc, dataType } of docChanges) {
    if (dataType === 'remove') tell('feedRemoved', { id: docId })
    else if (doc && doc.status !== before.get(docId)) tellOf(readable(doc))
  }
})

watch(newest('reports', 'createdAt', NIGHTS_SHOWN), ({ docs, docChanges, type }) => {
  state.reports = docs.slice().sort((a, b) => a.date - b.date)
  if (type === 'init') return
  for (const { doc, dataType } of docChanges) {
    if (dataType === 'add') tell('feedReport', { n: doc.orderCount, amount: doc.totalSales })
  }
})

function tellOf(order) {
  const n = order.items.reduce((sum, item) => sum + item.quantity, 0)
  const key = PHASES[order.status]
  if (key) tell(key, { id: order._id, name: order.name, n, reason: order.reason }, order.status)
}

function tell(key, gaps, kind = key) {
  state.happened = [{ key, gaps, kind, at: new Date() }, ...state.happened].slice(0, FEED_LINES)
}

// ---------------------------------------------------------------- ordering

const inCart = () =>
  (state.products || []).filter((each) => state.cart.get(each._id)).map((each) => ({
    productId: each._id,
    name: each.name,
    nameZh: each.nameZh,
    price: each.price,
    quantity: state.cart.get(each._id)
  }))
const amountOf = (items) => items.reduce((sum, each) => sum + each.price * each.quantity, 0)

async function upload(file, orderId) {
  const progress = at('progress')
  progress.hidden = false
  try {
    const { fileID } = await cloud.uploadFile({
      cloudPath: `board/${openid}/${orderId}.jpg`,
      filePath: await smaller(file),
      onUploadProgress: (told) => (progress.value = told.progress)
    })
    return fileID
  } finally {
    progress.hidden = true
  }
}

async function order() {
  const items = inCart()
  const guest = at('guest').value.trim()
  if (!items.length || !guest) return
  kept.put('guest', guest)
  const said = at('said')
  const orderId = id(6)
  at('send').disabled = true
  said.textContent = state.picture ? t('sending') : ''
  try {
    const picture = state.picture ? { picture: await upload(state.picture, orderId) } : {}
    await db.collection('orders').add({
      data: {
        _id: orderId,
        name: guest,
        items,
        amount: amountOf(items),
        note: at('note').value.trim(),
        status: 'new',
        createTime: db.serverDate(),
        ...picture
      }
    })
    state.cart.clear()
    show(null)
    at('note').value = ''
    said.textContent = t('sent', { id: orderId })
  } catch (error) {
    said.textContent = error.errMsg || error.message
  }
  draw()
}

async function advance(one, button) {
  button.disabled = true
  const data = { orderId: one._id, from: one.status }
  const { result } = await cloud.callFunction({ name: 'advanceOrder', data }).catch((error) => ({
    result: { success: false, error: error.errMsg }
  }))
  if (!result.success) at('said').textContent = result.error
  button.disabled = false
}

function show(file) {
  state.picture = file
  const preview = at('preview')
  if (preview.dataset.url) URL.revokeObjectURL(preview.dataset.url)
  preview.dataset.url = file ? URL.createObjectURL(file) : ''
  preview.style.backgroundImage = file ? `url("${preview.dataset.url}")` : ''
  if (!file) at('picture').value = ''
}

// ---------------------------------------------------------------- drawing

const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
const time = (date) => (date ? new Intl.DateTimeFormat(state.language, CLOCK).format(date) : '')
const day = (date) => new Intl.DateTimeFormat(state.language, { weekday: 'short' }).format(date)

function productCard(product) {
  const { _id, price, stock, color } = product
  const count = state.cart.get(_id) || 0
  const name = nameOf(product)
  const put = (change) => () => {
    state.cart.set(_id, Math.max(0, Math.min(stock, count + change)))
    draw()
  }
  const few = stock <= 5
  return h(
    'article',
    { class: `product${stock ? '' : ' gone'}`, style: `--tint:${color}`, 'data-product': _id },
    h('div', { class: 'art' }, drawing(product)),
    h('h3', {}, name),
    h('p', { class: 'price' }, `¥${price}`),
    h('p', { class: `stock${few ? ' few' : ''}` }, stock ? t('left', { n: stock }) : t('gone')),
    h(
      'div',
      { class: 'steps' },
      h('button', { type: 'button', 'aria-label': t('less', { name }), disabled: !count, 'data-focus': `${_id} less`, onclick: put(-1) }, '−'),
      h('output', {}, count),
      h('button', { type: 'button', 'aria-label': t('more', { name }), disabled: count >= stock, 'data-focus': `${_id} more`, onclick: put(1) }, '+')
    )
  )
}

/** The button that was pressed is a new one now, and keeps the focus. */
function drawProducts(products) {
  const focus = document.activeElement?.dataset.focus
  at('products').replaceChildren(...products.map(productCard))
  if (focus) document.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true })
}

/** Pictures are asked for once; an address that ran out (the clock was turned) is asked for anew. */
function picture(one) {
  const image = h('img', { class: 'photo', alt: t('showPicture', { id: one._id }), loading: 'lazy' })
  const ask = async () => {
    const { fileList } = await cloud.getTempFileURL({ fileList: [one.picture] })
    if (fileList[0].status) throw new Error(fileList[0].errMsg)
    state.urls.set(one.picture, fileList[0].tempFileURL)
    image.src = fileList[0].tempFileURL
  }
  const known = state.urls.get(one.picture)
  image.addEventListener('error', () => ask().catch(() => image.remove()), { once: true })
  if (known) image.src = known
  else ask().catch(() => image.remove())
  return h(
    'button',
    { type: 'button', class: 'photo-button', onclick: () => enlarge(image.src, image.alt) },
    image
  )
}

function enlarge(src, alt) {
  const viewer = at('viewer')
  viewer.querySelector('img')?.remove()
  viewer.prepend(h('img', { src, alt }))
  viewer.showModal()
}

const STEPS = { processing: 'toReady', ready: 'toServed' }

function orderCard(one) {
  const step = STEPS[one.status]
  const isMine = one._openid === openid
  const button = step && h('button', { type: 'button', class: 'step', onclick: () => advance(one, button) }, t(step))
  return h(
    'article',
    { class: `ticket ${one.status}${isMine ? ' mine' : ''}`, 'data-order': one._id },
    h('header', {}, h('b', {}, one._id), h('time', {}, time(one.createTime))),
    h('p', { class: 'who' }, one.name, isMine && h('span', { class: 'tag' }, t('yours'))),
    one.picture && picture(one),
    h('ul', {}, one.items.map((item) => h('li', {}, h('i', {}, `${item.quantity}×`), ` ${nameOf(item)}`))),
    one.note && h('p', { class: 'note' }, one.note),
    one.status === 'rejected' && h('p', { class: 'why' }, `${t('rejected')}: ${one.reason}`),
    h('footer', {}, h('span', {}, `¥${one.amount}`), button)
  )
}

const cards = new Map()

/** A card is made anew only when its order or the language changed, so that nothing flickers. */
function cardOf(one) {
  const now = JSON.stringify([one, state.language])
  const before = cards.get(one._id)
  if (before?.now === now) return before.card
  const card = orderCard(one)
  if (before ? before.status !== one.status : state.happened.length) card.classList.add('fresh')
  cards.set(one._id, { now, card, status: one.status })
  return card
}

function drawLanes() {
  const lane = (status) => {
    const also = { processing: ['new'], served: ['rejected'] }[status] || []
    const found = state.orders.filter((each) => each.status === status || also.includes(each.status))
    const shown = status === 'served' ? found.slice(0, SERVED_SHOWN) : found
    const title = h('h3', {}, t(status), h('span', { class: 'count' }, found.length))
    const body = shown.length ? shown.map(cardOf) : h('p', { class: 'nothing' }, t('nothing'))
    return h('section', { class: `lane ${status}`, 'data-lane': status }, title, body)
  }
  at('lanes').replaceChildren(...LANES.map(lane))
}

function drawReports() {
  const most = Math.max(1, ...state.reports.map((each) => each.totalSales))
  const bars = state.reports.map((each) =>
    h(
      'figure',
      { 'data-report': each._id, title: `${each.orderCount} ${t('orders')}` },
      h('output', {}, `¥${Math.round(each.totalSales)}`),
      h('span', { class: 'bar', style: `--part:${each.totalSales / most}` }),
      h('figcaption', {}, day(each.date), h('small', {}, each.orderCount))
    )
  )
  at('reports').replaceChildren(...(bars.length ? bars : [h('p', { class: 'nothing' }, t('noReports'))]))
}

function drawFigures() {
  const last = state.reports[state.reports.length - 1]
  const open = state.orders.filter((each) => !last || each.createTime >= last.createdAt)
  const taken = open.filter((each) => each.status !== 'rejected')
  const making = state.orders.filter((each) => ['new', 'processing', 'ready'].includes(each.status))
  const stock = (state.products || []).reduce((sum, each) => sum + each.stock, 0)
  const figure = (name, value) => h('div', { 'data-figure': name }, h('b', {}, value), h('span', {}, t(name)))
  at('figures').replaceChildren(
    figure('now', making.length),
    figure('served', state.orders.filter((each) => each.status === 'served').length),
    figure('takings', `¥${taken.reduce((sum, each) => sum + each.amount, 0)}`),
    figure('stock', stock)
  )
}

function draw() {
  document.documentElement.lang = state.language === 'zh' ? 'zh-CN' : 'en'
  document.title = t('name')
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = t(element.dataset.text)
  at('live').textContent = t(state.live)
  at('live').className = `live ${state.live}`
  at('language').textContent = state.language === 'zh' ? 'English' : '中文'
  const products = state.products || []
  // What somebody else bought meanwhile is no longer in the cart.
  for (const each of products) {
    if ((state.cart.get(each._id) || 0) > each.stock) state.cart.set(each._id, each.stock)
  }
  drawProducts(products)
  const amount = amountOf(inCart())
  at('send').disabled = !amount
  at('send').textContent = amount ? t('send', { amount }) : t('sendNothing')
  drawLanes()
  drawReports()
  drawFigures()
  at('feed').replaceChildren(
    ...state.happened.map((each) =>
      h('li', { class: each.kind }, h('time', {}, time(each.at)), h('span', {}, t(each.key, each.gaps)))
    )
  )
  const isEmpty = state.products && !products.length
  at('empty').hidden = !isEmpty && state.live !== 'broken'
  at('empty').textContent = isEmpty ? t('empty') : t('unreachable')
}

// ---------------------------------------------------------------- the page

const themes = ['light', 'dark']
function setTheme(theme) {
  document.documentElement.dataset.theme = theme
  document.documentElement.style.colorScheme = theme
  at('theme').textContent = theme === 'dark' ? '☀' : '☾'
}
const preferred = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
setTheme(themes.includes(kept.get('theme')) ? kept.get('theme') : preferred)
at('theme').addEventListener('click', () => {
  const theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'
  kept.put('theme', theme)
  setTheme(theme)
})
at('language').addEventListener('click', () => {
  state.language = state.language === 'zh' ? 'en' : 'zh'
  kept.put('language', state.language)
  draw()
})
at('order').addEventListener('submit', (event) => {
  event.preventDefault()
  order()
})
at('picture').addEventListener('change', (event) => show(event.target.files[0] || null))
at('copy').addEventListener('click', async (event) => {
  await navigator.clipboard?.writeText('cloud-emu clock advance 1d').catch(() => {})
  event.target.textContent = t('copied')
})
at('viewer').addEventListener('click', () => at('viewer').close())
at('guest').value = kept.get('guest') || ''

// The guest becomes a user of the shop at the first visit, by the function that does so everywhere.
cloud.callFunction({ name: 'getUserInfo', data: { nickname: kept.get('guest') || undefined } }).catch(() => {})
draw()
