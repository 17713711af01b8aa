// SPDX-License-Identifier: MIT
//
// The pages. Folders: api (calls and cache), catalogue (entities as data), i18n, theme, lib (addresses, keys), value
// (one value shown or asked), form, list, record, charts, pages (the rest, one file each) and frame around them.
import './lib/policy';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './frame/App';
import './theme/page.css';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
