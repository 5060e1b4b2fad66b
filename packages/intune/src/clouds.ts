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
  /** What a token is addressed to that is exchanged for one of an application (federated credentials). */
  readonly tokenExchangeAudience: string;
}

export const clouds: Readonly<Record<CloudName, Cloud>> = {
  public: {
    authority: 'https://login.microsoftonline.com',
    graphUrl: 'https://graph.microsoft.com',
    intuneResource: 'https://api.manage.microsoft.com/',
    tokenExchangeAudience: 'api://AzureADTokenExchange',
  },
  usGovernment: {
    authority: 'https://login.microsoftonline.us',
    graphUrl: 'https://graph.microsoft.us',
    intuneResource: 'https://api.manage.microsoft.us/',
    tokenExchangeAudience: 'api://AzureADTokenExchangeUSGov',
  },
  usGovernmentDod: {
    authority: 'https://login.microsoftonline.us',
    graphUrl: 'https://dod-graph.microsoft.us',
    intuneResource: 'https://api.manage.microsoft.us/',
    tokenExchangeAudience: 'api://AzureADTokenExchangeUSGov',
  },
  china: {
    authority: 'https://login.partner.microsoftonline.cn',
    graphUrl: 'https://microsoftgraph.chinacloudapi.cn',
    tokenExchangeAudience: 'api://AzureADTokenExchangeChina',
  },
};

/** Application id of Intune in every tenant. */
export const intuneApplicationId = '0000000a-0000-0000-c000-000000000000';

/** Intune's services live below these names, in whichever cloud; nothing else is given Intune's token. */
export const intuneHostSuffixes: readonly string[] = [
  '.manage.microsoft.com',
  '.manage.microsoft.us',
  '.manage.microsoftonline.cn',
];
