// SPDX-License-Identifier: MIT
// The button that empties a choice: Ant Design names it in English only.
import { CloseCircleOutlined } from '../lib/icons';
import { i18n } from '../i18n';

export const clearing = (isOn = true) => isOn && { label: i18n().t('ui.clear'), clearIcon: <CloseCircleOutlined aria-hidden /> };
