/**
 * What a help desk knows: articles as people wrote them, and of each a question as customers ask it, which shares few words with
 * its answer.
 */

export interface HelpText {
  readonly id: string;
  readonly product: 'account' | 'billing' | 'files' | 'team' | 'app';
  readonly title: string;
  readonly body: string;
  /** What a customer asks who needs this article. */
  readonly asked: string;
}

type Row = readonly [id: string, title: string, body: string, asked: string];

const ACCOUNT: readonly Row[] = [
  [
    'reset',
    'Reset your password',
    'Open the settings and choose "Forgot credentials". We mail you a link, which is good for one hour.',
    "I can't remember my login secret",
  ],
  [
    'two-step',
    'Two-step verification',
    'Turn it on, so that a code from your phone is needed at every sign-in.',
    'make my login more secure with my mobile',
  ],
  [
    'erase',
    'Delete your account',
    'You may erase your account and all personal data permanently from the privacy page. This cannot be undone.',
    'remove my profile forever',
  ],
  [
    'sso',
    'Sign-in for companies',
    'Companies can sign in through their identity provider with SAML.',
    'log in with our corporate directory',
  ],
  [
    'address',
    'Change your e-mail address',
    'Enter the new address under Profile. We send a message to the old one and to the new one.',
    'I moved to a different mailbox, how do I tell you',
  ],
  [
    'locked',
    'Your account is locked',
    'After five wrong passwords nobody can sign in for fifteen minutes. Wait, or ask an administrator.',
    'it says too many failed attempts and refuses me',
  ],
  [
    'devices',
    'Sign out everywhere',
    'A stolen laptop or phone can be signed out from the list of devices.',
    'somebody took my computer and is still logged in',
  ],
];

const BILLING: readonly Row[] = [
  [
    'refund',
    'When you cancel an order',
    'Money is returned to the original card within five business days after a cancellation.',
    'how long until I get my cash back',
  ],
  [
    'invoice',
    'Monthly bills',
    'Bills can be downloaded as PDF files from the billing page, for each month since you joined.',
    'where are my receipts',
  ],
  [
    'price',
    'What the plans cost',
    'The professional plan costs twelve euros for each person and month.',
    'how much does a subscription cost',
  ],
  [
    'trial',
    'Try it first',
    'New customers can use everything for fourteen days without paying.',
    'is there a free period to test',
  ],
  [
    'discount',
    'Schools and charities',
    'They pay half. Send us a proof.',
    'cheaper for non-profit organisations',
  ],
  [
    'declined',
    'Your card was declined',
    'Ask your bank, or enter another credit card. We try again after three days.',
    'my payment did not go through',
  ],
  [
    'vat',
    'Value added tax',
    'Enter the tax number of your company, and no tax is charged across borders.',
    'why do I pay taxes as a business abroad',
  ],
  [
    'upgrade',
    'Change your plan',
    'A larger plan begins at once; a smaller one at the end of the month that you have paid for.',
    'I want fewer features and a lower price',
  ],
];

const FILES: readonly Row[] = [
  [
    'export',
    'Download your records',
    'All of your records can be had as CSV or JSON from the data page.',
    'save everything to a spreadsheet',
  ],
  [
    'offline',
    'Without a connection',
    'Documents stay available without an internet connection and synchronise later.',
    'does it work on a plane without wifi',
  ],
  [
    'backup',
    'Copies of your data',
    'Copies of the database are made every night and kept for thirty days.',
    'what happens if data is lost',
  ],
  [
    'place',
    'Where data are stored',
    'Our servers stand in Frankfurt, and data never leave the European Union.',
    'in which country is my information kept',
  ],
  [
    'print',
    'Paper copies',
    'Choose Print from the file menu, and pick landscape for wide tables.',
    'get it on a sheet of paper',
  ],
  [
    'size',
    'Large attachments',
    'An attachment may have at most twenty-five megabytes.',
    'maximum upload of a file',
  ],
  [
    'trash',
    'Restore a deleted document',
    'What you delete stays in the trash for thirty days, from where you can take it back.',
    'I threw away a text by mistake',
  ],
  [
    'versions',
    'Earlier versions',
    'Each change is kept. Open the history of a document and choose what it was like before.',
    'undo what my colleague wrote yesterday',
  ],
  [
    'share',
    'Share by link',
    'A link lets anybody read a document; it may have a password and an end.',
    'show my work to somebody outside the company',
  ],
  [
    'import',
    'Bring your documents',
    'Word, Markdown and PDF files can be dropped into a folder, and become documents.',
    'move what I already have into this tool',
  ],
];

const TEAM: readonly Row[] = [
  [
    'invite',
    'Invite colleagues',
    'Invite them by e-mail and give each of them a role.',
    'add coworkers to my workspace',
  ],
  [
    'roles',
    'Who may do what',
    'Readers read, editors write, administrators invite and pay.',
    'stop interns from changing documents',
  ],
  [
    'leaving',
    'When somebody leaves',
    'Give their documents to another person before you remove them from the team.',
    'an employee quit, what about his things',
  ],
  [
    'audit',
    'The audit log',
    'Administrators see for one year who opened, changed and shared what.',
    'find out which person read a contract',
  ],
  [
    'comments',
    'Comments',
    'Select a sentence and write a remark; mention somebody with @, and they are told.',
    'leave a note for my boss in the text',
  ],
  [
    'guests',
    'Guests',
    'A guest sees single documents only and costs nothing.',
    'does a freelancer need a paid seat',
  ],
];

const APP: readonly Row[] = [
  [
    'limits',
    'Limits of the interface for programs',
    'Requests are limited to one hundred per minute; beyond that the server answers 429.',
    'why do I get too many requests errors',
  ],
  ['dark', 'Appearance', 'Switch to a black background under Appearance.', 'night mode theme'],
  [
    'language',
    'Languages',
    'The program speaks English, German, French and Japanese; change it in the preferences.',
    'can I use it in Deutsch',
  ],
  [
    'crash',
    'When the application closes unexpectedly',
    'Send us the log file from the help menu.',
    'the app keeps quitting by itself',
  ],
  [
    'phones',
    'Telephones',
    'There are apps for Android and iPhone in the stores.',
    'install on my smartphone',
  ],
  ['keys', 'Shortcuts', 'Press control and K to open the command palette.', 'keyboard hotkey for actions'],
  ['notify', 'Notifications', 'Choose which events send you an e-mail or a push message.', 'stop the alerts'],
  [
    'slow',
    'When it is slow',
    'Empty the cache of your browser, and close other tabs. Our status page says whether we have a problem.',
    'everything takes ages to load',
  ],
  [
    'readers',
    'Screen readers',
    'All of it can be used by keyboard and with a screen reader; text can be made larger.',
    'is it usable for blind people',
  ],
];

const rows = (product: HelpText['product'], all: readonly Row[]): HelpText[] =>
  all.map(([id, title, body, asked]) => ({ id, product, title, body, asked }));

export const CORPUS: readonly HelpText[] = [
  ...rows('account', ACCOUNT),
  ...rows('billing', BILLING),
  ...rows('files', FILES),
  ...rows('team', TEAM),
  ...rows('app', APP),
];
