// SPDX-License-Identifier: MIT
// Ant Design's theme made from our tokens: quiet surfaces, 14 px, 28 px controls, contrast that passes.
import { theme, type ThemeConfig } from 'antd';
import { FONT, dark, light } from './tokens';

export function antdTheme(isDark: boolean): ThemeConfig {
  const p = isDark ? dark : light;
  return {
    algorithm: isDark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      colorPrimary: isDark ? '#1677ff' : p.primary,
      colorInfo: isDark ? '#1677ff' : p.primary,
      colorLink: p.link,
      colorLinkHover: p.link,
      colorLinkActive: p.link,
      colorText: p.text,
      colorTextSecondary: p.secondary,
      colorTextTertiary: p.tertiary,
      colorTextDescription: p.tertiary,
      colorTextPlaceholder: p.tertiary,
      colorTextHeading: p.text,
      colorBorder: p.border,
      colorBorderSecondary: p.split,
      colorSuccess: p.success,
      colorWarning: p.warning,
      colorError: p.error,
      colorBgContainer: isDark ? p.raised : p.base,
      colorBgElevated: isDark ? '#262626' : p.raised,
      colorBgLayout: p.layout,
      fontFamily: FONT,
      fontSize: 14,
      controlHeight: 28,
      controlHeightSM: 24,
      controlHeightLG: 36,
      borderRadius: 4,
      wireframe: false,
      motionDurationMid: '0.12s',
      motionDurationSlow: '0.16s',
      motionDurationFast: '0.08s',
    },
    components: {
      Table: { cellPaddingBlock: 6, cellPaddingInline: 10, headerBg: p.head, headerSplitColor: 'transparent' },
      Button: { primaryShadow: 'none', defaultShadow: 'none', colorPrimary: p.primary, colorPrimaryHover: p.primaryHover, defaultHoverColor: p.link, defaultHoverBorderColor: p.link, defaultActiveColor: p.link, defaultActiveBorderColor: p.link, fontWeight: 500 },
      Form: { itemMarginBottom: 12, verticalLabelPadding: '0 0 2px', labelColor: p.secondary },
      Card: { bodyPadding: 16, headerHeight: 44, headerFontSize: 14 },
      Menu: { itemSelectedColor: p.link, subMenuItemSelectedColor: p.link, itemSelectedBg: p.states.unsent.tint, itemHeight: 34, itemMarginBlock: 2, iconMarginInlineEnd: 8, activeBarBorderWidth: 0, collapsedWidth: 56 },
      Layout: { headerBg: p.base, siderBg: p.base, bodyBg: p.layout, headerHeight: 48, headerPadding: '0 16px' },
    },
  };
}
