/** Object identifiers of the request attributes that Windows adds ([MS-WCCE] 2.2.2.7). */
export const microsoft = {
  enrollmentNameValuePair: '1.3.6.1.4.1.311.13.2.1',
  enrollmentProvider: '1.3.6.1.4.1.311.13.2.2',
  operatingSystemVersion: '1.3.6.1.4.1.311.13.2.3',
  requestClientInfo: '1.3.6.1.4.1.311.21.20',
} as const;
