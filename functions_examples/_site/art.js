/** Elements and drawings: what the board is made of. */

const SVG = 'http://www.w3.org/2000/svg'

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== undefined) element.setAttribute(name, value)
  }
  element.append(...children.flat().filter((child) => child || child === 0))
  return element
}

/** Return an element of HTML; nothing is ever parsed, so that no guest's text can become markup. */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children)

const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children)
const path = (d, props) => s('path', { d, ...props })
const line = (d, color, width = 3) =>
  path(d, { fill: 'none', stroke: color, 'stroke-width': width, 'stroke-linecap': 'round' })
const STEAM = 'rgb(255 255 255 / 75%)'

const SHAPES = {
  cup: (color) => [
    line('M38 22c-3-4 3-7 0-12M50 22c-3-4 3-7 0-12M62 22c-3-4 3-7 0-12', STEAM),
    path('M26 30h48v24a22 22 0 0 1-22 22h-4a22 22 0 0 1-22-22z', { fill: '#fff' }),
    line('M74 37h6a9 9 0 0 1 0 18h-7', '#fff', 5),
    s('ellipse', { cx: 50, cy: 32, rx: 22, ry: 6, fill: color }),
    path('M40 33c4-4 6 3 10-1s6 3 10 0', { fill: 'none', stroke: '#fff', 'stroke-width': 2, opacity: 0.7 })
  ],
  glass: (color) => [
    line('M58 8 52 34', '#fff', 4),
    path('M30 22h40l-5 58H35z', { fill: 'rgb(255 255 255 / 55%)' }),
    path('M32 38h36l-4 40H36z', { fill: color }),
    s('circle', { cx: 45, cy: 52, r: 4, fill: 'rgb(255 255 255 / 55%)' }),
    s('circle', { cx: 56, cy: 62, r: 3, fill: 'rgb(255 255 255 / 55%)' }),
    path('M40 40c8-10 18-6 22-2-8 4-16 5-22 2z', { fill: '#5d8f55' })
  ],
  bowl: (color) => [
    s('circle', { cx: 38, cy: 40, r: 13, fill: color }),
    s('circle', { cx: 60, cy: 38, r: 15, fill: color, opacity: 0.85 }),
    s('circle', { cx: 50, cy: 30, r: 10, fill: '#fff' }),
    path('M20 44h60a30 30 0 0 1-22 30H42a30 30 0 0 1-22-30z', { fill: '#fff' }),
    path('M24 52h52l-3 6H27z', { fill: color, opacity: 0.55 })
  ],
  bun: (color) => [
    line('M40 20c-3-4 3-6 0-10M58 20c-3-4 3-6 0-10', STEAM),
    path('M18 62c0-22 14-36 32-36s32 14 32 36c0 8-6 12-14 12H32c-8 0-14-4-14-12z', { fill: color }),
    path('M30 60c2-14 9-22 20-24', { fill: 'none', stroke: '#fff', 'stroke-width': 3, opacity: 0.45, 'stroke-linecap': 'round' }),
    ...[[42, 40], [54, 36], [62, 46], [48, 50], [58, 56]].map(([cx, cy]) =>
      s('ellipse', { cx, cy, rx: 2.4, ry: 1.5, fill: '#fff7e0' })
    )
  ],
  tart: (color) => [
    path('M18 46h64l-9 28H27z', { fill: '#d39b52' }),
    ...[28, 40, 52, 64].map((x) => line(`M${x} 52l2 18`, 'rgb(120 70 20 / 35%)', 2)),
    s('ellipse', { cx: 50, cy: 46, rx: 33, ry: 12, fill: '#e3b36b' }),
    s('ellipse', { cx: 50, cy: 45, rx: 26, ry: 8.5, fill: color }),
    s('ellipse', { cx: 43, cy: 43, rx: 7, ry: 2.4, fill: '#fff', opacity: 0.5 })
  ]
}

/** Return the drawing of a product. */
export function drawing(product) {
  const shape = SHAPES[product.shape] || SHAPES.cup
  return s('svg', { viewBox: '0 0 100 84', 'aria-hidden': 'true' }, ...shape(product.color || '#888'))
}

const SIDE_MAX = 1280

/** Return a picture as a JPEG that a phone's network likes, or as it is where it cannot be drawn. */
export async function smaller(file) {
  try {
    const bitmap = await createImageBitmap(file)
    const scale = Math.min(1, SIDE_MAX / Math.max(bitmap.width, bitmap.height))
    const canvas = document.createElement('canvas')
    canvas.width = Math.round(bitmap.width * scale)
    canvas.height = Math.round(bitmap.height * scale)
    canvas.getContext('2d').drawImage(bitmap, 0, 0, canvas.width, canvas.height)
    const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.85))
    return blob || file
  } catch {
    return file
  }
}
