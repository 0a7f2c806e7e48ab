'use strict';
// Tables: a click on the title of a column sorts the rows, first the best values, then the other way round.
for (const button of document.querySelectorAll('th button')) {
  button.addEventListener('click', () => {
    const head = button.closest('th');
    const body = head.closest('table').tBodies[0];
    const down = head.getAttribute('aria-sort') !== 'descending';
    for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = row => row.cells[head.cellIndex].dataset.value;
    const rows = [...body.rows].sort((one, two) => {
      const [first, second] = [key(one), key(two)];
      if (first === '' || second === '') return (first === '') - (second === '');  // missing values last
      const order = isNaN(first) || isNaN(second) ? second.localeCompare(first) : second - first;
      return down ? order : -order;
    });
    body.append(...rows);
  });
}

// Lists that choose one of several parts.
for (const choice of document.querySelectorAll('select[data-parts]')) {
  const parts = document.querySelectorAll(`[data-part-of="${choice.dataset.parts}"]`);
  const show = () => parts.forEach((part, number) => { part.hidden = number !== choice.selectedIndex; });
  choice.addEventListener('change', show);
  show();
}

// The browser of validation images: a slider between the models.
for (const viewer of document.querySelectorAll('.images')) {
  const data = JSON.parse(viewer.querySelector('script').textContent);
  const [slider, list] = [viewer.querySelector('input'), viewer.querySelector('select')];
  const panel = name => viewer.querySelector(`[data-panel=${name}]`);
  const fill = (name, type, content, caption) => {
    panel(name).hidden = !content;
    if (!content) return;
    const image = panel(name).querySelector('img');
    image.src = `data:image/${type};base64,${content}`;
    image.alt = caption;
    panel(name).querySelector('figcaption').textContent = caption;
  };
  const show = () => {
    const [shown, model] = [data.images[list.selectedIndex], data.models[slider.value]];
    const [label, confidence, accuracy] = shown.predictions[model] || [];
    slider.setAttribute('aria-valuetext', model);
    viewer.querySelector('output').textContent = model;
    fill('image', 'jpeg', shown.image, `image: ${shown.name}`);
    fill('truth', 'png', shown.truth, 'ground truth (black is ignored)');
    fill('prediction', 'png', label,
      `prediction of ${model}` + (accuracy === null ? '' : `: ${accuracy.toFixed(1)} % of the pixels are right`));
    fill('confidence', 'jpeg', confidence, `confidence of ${model}, from dark blue (0) to yellow (1)`);
  };
  const step = change => {
    list.selectedIndex = (list.selectedIndex + change + list.length) % list.length;
    show();
  };
  slider.addEventListener('input', show);
  list.addEventListener('change', show);
  viewer.querySelector('[data-step="-1"]').addEventListener('click', () => step(-1));
  viewer.querySelector('[data-step="1"]').addEventListener('click', () => step(1));
  show();
}
