/**
 * Keeps the AWS SDK from warning, in every process that makes a client of it, of the Node releases that it will support some
 * day: which ones Slipway needs is said by `slipway doctor`. Called before a client is made.
 */
export function quietAwsSdk(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
}
