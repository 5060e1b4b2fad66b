/** The national clouds by name. */
export type CloudName = 'public' | 'usGovernment' | 'usGovernmentDod' | 'china';

/** Where one cloud's services are. */
export interface Cloud {
  /** Base URL of Microsoft Entra's sign-in service. */
  readonly authority: string;
  /** Base URL of Microsoft Graph. */
  readonly graphUrl: string;
  /** Intune's resource URI; it ends in a slash, which the scope keeps (`…//.default`). Absent where none is known. */
  readonly intuneResource?: string;
}

export const clouds: Readonly<Record<CloudName, Cloud>> = {
  public: {
    authority: 'https://login.microsoftonline.com',
    graphUrl: 'https://graph.microsoft.com',
    intuneResource: 'https://api.manage.microsoft.com/',
  },
  usGovernment: {
    authority: 'https://login.microsoftonline.us',
    graphUrl: 'https://graph.microsoft.us',
    intuneResource: 'https://api.manage.microsoft.us/',
  },
  usGovernmentDod: {
    authority: 'https://login.microsoftonline.us',
    graphUrl: 'https://dod-graph.microsoft.us',
    intuneResource: 'https://api.manage.microsoft.us/',
  },
  china: {
    authority: 'https://login.partner.microsoftonline.cn',
    graphUrl: 'https://microsoftgraph.chinacloudapi.cn',
  },
};

/** Intune's services live below these names, in whichever cloud; nothing else is given Intune's token. */
export const intuneHostSuffixes: readonly string[] = [
  '.manage.microsoft.com',
  '.manage.microsoft.us',
  '.manage.microsoftonline.cn',
];
