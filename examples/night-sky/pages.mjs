const seasons = ['winter', 'spring', 'summer', 'autumn']
const kinds = {
  O: 'blue',
  B: 'blue-white',
  A: 'white',
  F: 'yellow-white',
  G: 'yellow',
  K: 'orange',
  M: 'red',
}
const titled = (word) => word[0].toUpperCase() + word.slice(1)

function frame(title, description, body, kind) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<meta name="description" content="${description}">
<meta name="theme-color" content="#070b1f">
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/styles.css">
</head>
<body class="${kind}">
<header class="top"><a href="/" class="brand">The Night Sky</a><nav aria-label="Seasons">${seasons.map((season) => `<a href="/#${season}">${titled(season)}</a>`).join('')}</nav></header>
${body}
<footer><p>Drawn from star positions while the site was built: no images, no scripts, no fonts from elsewhere.</p><p>The example site of Preamp. Its source is in <code>examples/night-sky</code>.</p></footer>
</body>
</html>
`
}

export function homePage(constellations, map, drawn) {
  const section = (season) => `<section id="${season}" aria-labelledby="${season}-title">
<h2 id="${season}-title">${titled(season)}</h2>
<ul class="cards">${constellations
    .filter((each) => each.season === season)
    .map(
      (each) =>
        `<li><a class="card" href="/${each.slug}/">${drawn(each)}<span class="card-text"><strong>${each.name}</strong><em>${each.meaning}</em><span>${each.look}</span></span></a></li>`,
    )
    .join('')}</ul></section>`
  const body = `<main>
<section class="hero">
<div class="intro">
<p class="kicker">A field guide for the naked eye</p>
<h1>${numberWord(constellations.length)} shapes to find in the dark</h1>
<p>Go out on a clear evening, let your eyes have twenty minutes, and start with what is easy: three stars in a row, a ladle, a W. Everything else is found from there.</p>
<p class="hint">The map turns as the sky does. Choose a figure to see it close.</p>
<p><a class="button" href="#winter">Start with winter</a></p>
</div>
<div class="map">${map}</div>
</section>
${seasons.map(section).join('\n')}
</main>`
  return frame(
    'The Night Sky – a field guide',
    'Sixteen constellations to find with the naked eye, drawn from star positions.',
    body,
    'home',
  )
}

export function page(constellation, drawing, before, after) {
  const { name, meaning, season, month, look, text, stars } = constellation
  const brightest = Object.values(stars)
    .filter((star) => star[4])
    .toSorted((a, b) => a[2] - b[2])
    .slice(0, 6)
  const body = `<main class="one">
<p class="kicker"><a href="/#${season}">${titled(season)}</a> · highest in ${month}</p>
<h1>${name}</h1>
<p class="meaning">${meaning}</p>
<figure class="chart">${drawing}<figcaption>North is up, east is left: the way it looks when you look up.</figcaption></figure>
<div class="columns">
<div><h2>How to find it</h2><p>${look}</p><h2>What to know</h2><p>${text}</p></div>
<table><caption>Brightest stars</caption><thead><tr><th scope="col">Star</th><th scope="col">Magnitude</th><th scope="col">Colour</th></tr></thead>
<tbody>${brightest.map((star) => `<tr><th scope="row">${star[4]}</th><td>${star[2].toFixed(2).replace('-', '−')}</td><td><i class="dot ${star[3]}"></i>${kinds[star[3]]}</td></tr>`).join('')}</tbody></table>
</div>
<nav class="pager" aria-label="Other constellations"><a href="/${before.slug}/" rel="prev">← ${before.name}</a><a href="/${after.slug}/" rel="next">${after.name} →</a></nav>
</main>`
  return frame(`${name}, ${meaning} – The Night Sky`, look, body, 'detail')
}

export function notFoundPage() {
  return frame(
    'Nothing here – The Night Sky',
    'There is no page at this address.',
    `<main class="one missing"><p class="kicker">404</p><h1>A dark patch of sky</h1><p>There is no page at this address.</p><p><a class="button" href="/">Back to the map</a></p></main>`,
    'detail',
  )
}

function numberWord(number) {
  return { 16: 'Sixteen' }[number] ?? String(number)
}
