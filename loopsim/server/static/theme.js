// Before the page is painted: the theme that was chosen last, if one was.
const chosen = localStorage.getItem("loopsim.theme");
if (chosen) document.documentElement.dataset.theme = chosen;
