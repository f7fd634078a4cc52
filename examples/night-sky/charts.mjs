// Star charts as SVG text, drawn from coordinates while the site is built.

const degrees = Math.PI / 180
const colours = {
  O: '#b6ccff',
  B: '#c8d8ff',
  A: '#eef2ff',
  F: '#fff8ec',
  G: '#ffeec2',
  K: '#ffd29a',
  M: '#ffab7d',
}

const round = (number) => Math.round(number * 10) / 10
const starRadius = (magnitude) => Math.max(0.55, 3.9 - 0.78 * magnitude)

/** The same numbers at every build, so that two builds of one commit are equal. */
function randomNumbers(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function starDot([x, y], [, , magnitude, spectral], scale) {
  const radius = starRadius(magnitude) * scale
  const glow =
    magnitude < 2.3
      ? `<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius * 5)}" fill="url(#glow-${spectral})"/>`
      : ''
  return `${glow}<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}" fill="${colours[spectral]}"/>`
}

const glows = `<defs>${Object.entries(colours)
  .map(
    ([spectral, colour]) =>
      `<radialGradient id="glow-${spectral}"><stop offset=".1" stop-color="${colour}" stop-opacity=".55"/><stop offset=".45" stop-color="${colour}" stop-opacity=".12"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></radialGradient>`,
  )
  .join('')}</defs>`

const path = (points) => `M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}`

/** The sky around the north celestial pole down to 50° south, as it looks from below: east is to the left of south. */
export function planisphere(constellations) {
  const size = 1000
  const centre = size / 2
  const radius = centre - 34
  const reach = 140
  const place = ([hours, declination]) => {
    const distance = ((90 - declination) / reach) * radius
    const angle = hours * 15 * degrees
    return [centre + distance * Math.cos(angle), centre + distance * Math.sin(angle)]
  }
  const random = randomNumbers(1572)
  const parts = []
  const hours = []
  for (const declination of [60, 30, 0, -30]) {
    const equator = declination === 0
    parts.push(
      `<circle cx="${centre}" cy="${centre}" r="${round(((90 - declination) / reach) * radius)}" class="grid${equator ? ' equator' : ''}"/>`,
    )
  }
  for (let hour = 0; hour < 24; hour += 2) {
    const [x1, y1] = place([hour, 80])
    const [x2, y2] = place([hour, -50])
    const [tx, ty] = place([hour, -54.5])
    parts.push(
      `<path d="${path([
        [x1, y1],
        [x2, y2],
      ])}" class="grid"/>`,
    )
    hours.push(`<text x="${round(tx)}" y="${round(ty)}" class="hour">${hour}h</text>`)
  }
  parts.push(milkyWay(place, random))
  for (let index = 0; index < 900; index += 1) {
    const distance = radius * Math.sqrt(random())
    const angle = random() * 2 * Math.PI
    const bright = random() ** 3
    parts.push(
      `<circle cx="${round(centre + distance * Math.cos(angle))}" cy="${round(centre + distance * Math.sin(angle))}" r="${round(0.4 + bright)}" fill="#dfe6ff" opacity="${round(0.12 + bright * 0.5)}"/>`,
    )
  }
  for (const { slug, name, stars, lines } of constellations) {
    const points = Object.fromEntries(Object.entries(stars).map(([key, star]) => [key, place(star)]))
    const all = Object.values(points)
    const middle = [0, 1].map((axis) => all.reduce((sum, point) => sum + point[axis], 0) / all.length)
    parts.push(
      `<a href="/${slug}/" class="figure"><title>${name}</title>`,
      `<circle cx="${round(middle[0])}" cy="${round(middle[1])}" r="46" fill="transparent"/>`,
      `<path d="${lines.map((line) => path(line.map((key) => points[key]))).join('')}" class="line"/>`,
      ...Object.entries(stars).map(([key, star]) => starDot(points[key], star, 1.15)),
      `<text x="${round(middle[0])}" y="${round(Math.max(...all.map(([, y]) => y)) + 24)}" class="label">${name}</text></a>`,
    )
  }
  parts.push(
    `<circle cx="${centre}" cy="${centre}" r="2.6" fill="#fff8ec"/><text x="${centre}" y="${centre + 22}" class="pole">Polaris</text>`,
  )
  return `<svg viewBox="0 0 ${size} ${size}" role="img" aria-label="Map of the northern sky with ${constellations.length} constellations">
<defs><radialGradient id="night"><stop offset="0" stop-color="#1b2858"/><stop offset=".62" stop-color="#121a42"/><stop offset="1" stop-color="#0a0f29"/></radialGradient><filter id="haze" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur stdDeviation="13"/></filter><clipPath id="disc"><circle cx="${centre}" cy="${centre}" r="${radius}"/></clipPath></defs>
<circle cx="${centre}" cy="${centre}" r="${radius}" fill="url(#night)"/>
${glows}
<g clip-path="url(#disc)"><g class="sky">${parts.join('\n')}</g></g>
<g class="sky">${hours.join('')}</g>
<circle cx="${centre}" cy="${centre}" r="${radius}" class="rim"/></svg>`
}

/** The band along the galactic equator, as soft discs of uneven size. */
function milkyWay(place, random) {
  const pole = { alpha: 192.859 * degrees, delta: 27.128 * degrees, node: 122.932 * degrees }
  const discs = []
  for (let longitude = 0; longitude < 360; longitude += 2.2) {
    for (let repeat = 0; repeat < 2; repeat += 1) {
      const l = pole.node - longitude * degrees
      const b = (random() + random() - 1) * 9 * degrees
      const sine = Math.sin(b) * Math.sin(pole.delta) + Math.cos(b) * Math.cos(pole.delta) * Math.cos(l)
      const declination = Math.asin(sine) / degrees
      const alpha = Math.atan2(
        Math.cos(b) * Math.sin(l),
        Math.sin(b) * Math.cos(pole.delta) - Math.cos(b) * Math.sin(pole.delta) * Math.cos(l),
      )
      const [x, y] = place([(alpha + pole.alpha) / degrees / 15, declination])
      if (declination > -52)
        discs.push(`<circle cx="${round(x)}" cy="${round(y)}" r="${round(9 + random() * 19)}"/>`)
    }
  }
  return `<g filter="url(#haze)" fill="#b9c4ff" opacity=".17">${discs.join('')}</g>`
}

/** One constellation, north up. With `labels` the stars carry their names. */
export function chart(constellation, { labels }) {
  const { stars, lines, name } = constellation
  const [width, height, margin] = labels ? [900, 620, 96] : [420, 300, 46]
  const list = Object.values(stars)
  const vectors = list.map(([hours, declination]) => {
    const [alpha, delta] = [hours * 15 * degrees, declination * degrees]
    return [Math.cos(delta) * Math.cos(alpha), Math.cos(delta) * Math.sin(alpha), Math.sin(delta)]
  })
  const sum = [0, 1, 2].map((axis) => vectors.reduce((total, vector) => total + vector[axis], 0))
  const alpha0 = Math.atan2(sum[1], sum[0])
  const delta0 = Math.atan2(sum[2], Math.hypot(sum[0], sum[1]))
  // Stereographic around the middle of the figure; east is to the left, as one sees it looking up.
  const project = ([hours, declination]) => {
    const [alpha, delta] = [hours * 15 * degrees - alpha0, declination * degrees]
    const k =
      2 / (1 + Math.sin(delta0) * Math.sin(delta) + Math.cos(delta0) * Math.cos(delta) * Math.cos(alpha))
    return [
      -k * Math.cos(delta) * Math.sin(alpha),
      -k * (Math.cos(delta0) * Math.sin(delta) - Math.sin(delta0) * Math.cos(delta) * Math.cos(alpha)),
    ]
  }
  const flat = list.map(project)
  const [minX, maxX] = [Math.min(...flat.map(([x]) => x)), Math.max(...flat.map(([x]) => x))]
  const [minY, maxY] = [Math.min(...flat.map(([, y]) => y)), Math.max(...flat.map(([, y]) => y))]
  const scale = Math.min((width - 2 * margin) / (maxX - minX), (height - 2 * margin) / (maxY - minY))
  const place = (star) => {
    const [x, y] = project(star)
    return [width / 2 + (x - (minX + maxX) / 2) * scale, height / 2 + (y - (minY + maxY) / 2) * scale]
  }
  const random = randomNumbers([...name].reduce((hash, letter) => hash * 31 + letter.charCodeAt(0), 7))
  const background = Array.from({ length: labels ? 260 : 90 }, () => {
    const bright = random() ** 3
    return `<circle cx="${round(random() * width)}" cy="${round(random() * height)}" r="${round(0.4 + bright * 0.9)}" fill="#dfe6ff" opacity="${round(0.12 + bright * 0.4)}"/>`
  })
  const figure = lines.map((line) => path(line.map((key) => place(stars[key])))).join('')
  const names = labels ? starNames(constellation, place) : []
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Chart of ${name}">
${glows}${background.join('')}
<path d="${figure}" class="line"/>
${list.map((star) => starDot(place(star), star, labels ? 2 : 1.15)).join('')}
${names.join('')}</svg>`
}

/** Each star's name beside, above or below it: where it covers the least of stars, lines and other names. */
function starNames({ stars, lines }, place) {
  const taken = []
  for (const [key, star] of Object.entries(stars)) taken.push({ points: [place(star)], weight: 8, key })
  for (const line of lines) {
    for (const [index, key] of line.slice(1).entries()) {
      const [[x1, y1], [x2, y2]] = [place(stars[line[index]]), place(stars[key])]
      const steps = Array.from({ length: 24 }, (_, step) => (step + 1) / 25)
      taken.push({ points: steps.map((t) => [x1 + (x2 - x1) * t, y1 + (y2 - y1) * t]), weight: 1 })
    }
  }
  return Object.entries(stars).flatMap(([key, star]) => {
    const name = star[4]
    if (!name) return []
    const [x, y] = place(star)
    const gap = 9 + starRadius(star[2]) * 2
    const width = name.length * 9.4
    const candidates = [
      { x: x + gap, y: y + 6, anchor: 'start', left: x + gap },
      { x: x - gap, y: y + 6, anchor: 'end', left: x - gap - width },
      { x, y: y - gap - 3, anchor: 'middle', left: x - width / 2 },
      { x, y: y + gap + 15, anchor: 'middle', left: x - width / 2 },
    ]
    const cost = ({ left, y: base }) =>
      taken
        .filter((each) => each.key !== key)
        .flatMap(({ points, weight }) => points.map(([px, py]) => ({ px, py, weight })))
        .filter(({ px, py }) => px > left - 8 && px < left + width + 8 && py > base - 22 && py < base + 9)
        .reduce((sum, { weight }) => sum + weight, 0)
    const best = candidates.toSorted((a, b) => cost(a) - cost(b))[0]
    const middle = Array.from({ length: 8 }, (_, step) => [best.left + (width * step) / 7, best.y - 6])
    taken.push({ points: middle, weight: 4 })
    return [
      `<text x="${round(best.x)}" y="${round(best.y)}" text-anchor="${best.anchor}" class="star">${name}</text>`,
    ]
  })
}
