import { pluralOf } from './plural.ts'
import type { Texts } from './texts.ts'

const plural = pluralOf('de')

/** What the pages about endpoints say, in German. */
export const endpointTexts: Pick<
  Texts,
  | 'endpoints'
  | 'endpoint'
  | 'status'
  | 'danger'
  | 'settings'
  | 'orderings'
  | 'formats'
  | 'signature'
  | 'secret'
  | 'keys'
  | 'verify'
  | 'headers'
  | 'metadata'
  | 'picker'
  | 'filter'
  | 'form'
  | 'created'
  | 'edit'
> = {
  endpoints: {
    about: 'Die URLs, die Ihre Ereignisse als Webhooks erhalten.',
    add: 'Endpunkt hinzufügen',
    none: 'Noch keine Endpunkte',
    noneAbout:
      'Ein Endpunkt ist eine URL von Ihnen, die eine signierte Anfrage erhält, wenn etwas geschieht, etwa ein Upload.',
    more: (count) => `und ${count} weitere`,
    found: 'Gefundene Endpunkte',
    searchHint: 'URL oder Beschreibung',
    noMatch: 'Kein Endpunkt passt zu diesen Filtern',
    showAll: 'Alle Endpunkte anzeigen',
    noAttempts: 'in den letzten 24 Stunden nichts gesendet',
    lastDay: (share, attempts) => `${share} von ${plural(attempts, 'Versuch', 'Versuchen')} in 24 Stunden`,
    lastError: (error) => `letzter Fehler: ${error}`,
    waiting: (count) => `${count} wartend`,
  },
  endpoint: {
    title: 'Endpunkt',
    back: 'Zurück zum Endpunkt',
    pullName: (id) => `Abruf-Endpunkt ${id}`,
    allEvents: 'alle Ereignisse',
    overview: 'Übersicht',
    settings: 'Einstellungen',
    history: 'Verlauf',
    test: 'Test',
    edit: 'Bearbeiten',
    latest: 'Neueste Zustellungen',
    showAll: 'Alle anzeigen',
    nothingYet: 'Senden Sie einen Test, oder warten Sie auf das erste Ereignis: Es steht dann hier.',
  },
  status: { title: 'Status' },
  danger: {
    title: 'Deaktivieren oder löschen',
    about: 'Ein deaktivierter Endpunkt behält seine Einstellungen und erhält nichts.',
    aboutDisabled: 'Dieser Endpunkt ist deaktiviert.',
    enable: 'Aktivieren',
    disable: 'Deaktivieren',
    disableTitle: 'Diesen Endpunkt deaktivieren?',
    disableAction: 'Deaktivieren',
    disableAbout:
      'Solange er deaktiviert ist, wird nichts gesendet. Was inzwischen geschieht, lässt sich nachholen.',
    delete: 'Löschen',
    deleteTitle: 'Diesen Endpunkt löschen?',
    deleteAction: 'Endgültig löschen',
    deleteAbout:
      'Ausstehende Zustellungen werden abgebrochen, seine Secrets entfernt. Das lässt sich nicht rückgängig machen.',
  },
  settings: {
    title: 'Einstellungen',
    events: 'Ereignisse',
    site: 'Site',
    siteOnly: (id) => `nur Site ${id}`,
    pull: 'Abruf: Ihre Anwendung liest die Nachrichten',
    rate: (limit, per) => `${plural(limit, 'Anfrage', 'Anfragen')} je ${per}`,
    retries: 'Wiederholungsplan',
    atOnce: 'sofort',
    certificateUntil: (until) => `Gültig bis ${until}`,
    certificateExpired: 'Abgelaufen',
    certificateExpires: 'Läuft bald ab',
    fingerprint: 'SHA-256-Fingerabdruck',
    ownership: 'Inhaberschaft',
    ownerships: { pending: 'noch nicht bestätigt', verified: 'bestätigt' },
    messages: 'Nachrichten',
    numbered: 'nummeriert',
    version: (version) => `Version ${version}`,
    id: 'ID',
  },
  orderings: {
    none: 'Ohne Reihenfolge',
    fifo: 'Streng der Reihe nach',
    entity: 'Je Entität der Reihe nach',
    by: (key) => `Der Reihe nach je ${key}`,
  },
  formats: {
    standard: 'Standard Webhooks',
    'cloudevents-structured': 'CloudEvents, strukturiert',
    'cloudevents-binary': 'CloudEvents, binär',
  },
  signature: {
    hmac: {
      kind: 'Gemeinsames Secret (HMAC-SHA256)',
      title: 'Signatur-Secret',
      current: 'Aktuelles Secret',
      previous: 'Vorheriges Secret',
      show: 'Secret anzeigen',
      rotate: 'Secret rotieren',
      rotateTitle: 'Das Signatur-Secret rotieren?',
    },
    ed25519: {
      kind: 'Schlüsselpaar (Ed25519)',
      title: 'Öffentlicher Schlüssel',
      current: 'Aktueller öffentlicher Schlüssel',
      previous: 'Vorheriger öffentlicher Schlüssel',
      show: 'Öffentlichen Schlüssel anzeigen',
      rotate: 'Schlüsselpaar rotieren',
      rotateTitle: 'Das Schlüsselpaar rotieren?',
    },
  },
  secret: {
    since: (time) => `Seit ${time}`,
    previousUntil: (time) => `Vorheriges, gültig bis ${time}`,
    hide: 'Verbergen',
    publishedAt: 'Ihr Empfänger kann die Schlüssel auch abrufen und bleibt bei einer Rotation, wie er ist.',
    keysUrl: 'URL der öffentlichen Schlüssel',
    own: 'Eigenes Secret',
    ownHint: 'Leer lassen, um eines erzeugen zu lassen.',
    overlap: 'Das vorherige bleibt gültig',
    noOverlap: 'gar nicht',
    rotateOverlap: 'Bis dahin werden Anfragen mit beiden signiert, damit Ihr Empfänger umstellen kann.',
    rotateAtOnce:
      'Anfragen werden nur mit dem neuen signiert. Ein Empfänger, der nur das alte kennt, weist sie zurück.',
    rotateAction: 'Rotieren',
  },
  keys: {
    title: 'API-Schlüssel',
    about:
      'Mit einem Schlüssel liest Ihre Anwendung die Nachrichten dieses Endpunkts: alle, oder die versäumten.',
    key: 'API-Schlüssel',
    shownOnce: (prefix) =>
      `Der Schlüssel ${prefix}… wird nur dieses eine Mal gezeigt. Bewahren Sie ihn sicher auf.`,
    done: 'Fertig',
    create: 'Schlüssel erstellen',
    created: (time) => `erstellt ${time}`,
    neverUsed: 'nie verwendet',
    lastUsed: (time) => `zuletzt verwendet ${time}`,
    validUntil: (time) => `gültig bis ${time}`,
    rotate: 'Rotieren',
    rotateTitle: 'Diesen Schlüssel rotieren?',
    rotateAbout: (prefix) => `Ein neuer Schlüssel ersetzt ${prefix}…, der noch eine Weile gültig bleibt.`,
    rotateAction: 'Schlüssel rotieren',
    revoke: 'Widerrufen',
    revokeTitle: 'Diesen Schlüssel widerrufen?',
    revokeAbout: (prefix) => `${prefix}… gilt sofort nicht mehr. Das lässt sich nicht rückgängig machen.`,
    revokeAction: 'Schlüssel widerrufen',
  },
  verify: {
    about: (signature) =>
      `An diesen Endpunkt wird nichts gesendet, bis sein Empfänger bewiesen hat, dass er Ihnen gehört. Geben Sie dem Empfänger ${
        signature === 'hmac' ? 'das Signatur-Secret' : 'den öffentlichen Schlüssel'
      } dieses Endpunkts und bestätigen Sie ihn: Er erhält eine signierte Anfrage, \`Webhook.Challenge\`, und antwortet mit dem Token darin. \`@x/receiver\` tut das von selbst.`,
    action: 'Bestätigen',
    done: 'Der Empfänger ist bestätigt. Von jetzt an wird an ihn gesendet.',
  },
  headers: {
    title: 'Eigene Header',
    hint: 'Mit jeder Anfrage gesendet, etwa ein API-Schlüssel Ihres Gateways.',
    exampleName: 'authorization',
    exampleValue: 'Bearer ...',
    name: (number) => `Name von Header ${number}`,
    value: (number) => `Wert von Header ${number}`,
    add: 'Header hinzufügen',
    remove: 'Entfernen',
    removeLabel: (number) => `Header ${number} entfernen`,
    showValues: 'Werte anzeigen',
    hideValues: 'Werte verbergen',
  },
  metadata: {
    title: 'Metadaten',
    hint: 'Notizen für Sie selbst, etwa ein Team oder eine Kundennummer. Werden nicht gesendet.',
    exampleName: 'team',
    exampleValue: 'billing',
    name: (number) => `Name von Eintrag ${number}`,
    value: (number) => `Wert von Eintrag ${number}`,
    add: 'Eintrag hinzufügen',
    remove: 'Entfernen',
    removeLabel: (number) => `Eintrag ${number} entfernen`,
  },
  picker: {
    title: 'Ereignisse',
    all: 'Alle Ereignisse, auch künftige',
    some: 'Nur diese',
    search: 'Ereignisse suchen',
    hint: 'Auch ein Muster geht: `File.*` ist alles über Dateien, `*.Delete` jedes Löschen.',
    found: (count) => plural(count, 'Ereignis gefunden', 'Ereignisse gefunden'),
    none: 'Kein Ereignis passt',
    nothing: 'Noch nichts gewählt.',
    chosen: 'Gewählte Ereignisse',
    add: (pattern) => `${pattern} hinzufügen`,
    remove: (pattern) => `${pattern} entfernen`,
    whole: (entity) => `alles über ${entity}`,
  },
  filter: {
    title: 'Inhaltsfilter',
    label: 'Nur passende Ereignisse',
    hint: (example) =>
      `JSON: Bedingungen an den Inhalt des Webhooks, etwa \`${example}\`. Leer lassen für alle Ereignisse.`,
    tryIt: 'An den letzten Ereignissen probieren',
    noEvents: 'Noch gibt es keine Ereignisse dieser Typen, an denen er sich probieren lässt.',
    summary: (matching, total) =>
      `${matching} von ${total === 1 ? 'einem Ereignis' : `${total} Ereignissen`} ${matching === 1 ? 'passt' : 'passen'}.`,
    which: 'Anzeigen',
    entity: 'Entität',
    result: 'Ergebnis',
    matches: 'Passt',
    leftOut: 'Passt nicht',
    noMessage: 'Nicht sendbar',
    tooCostly: 'Zu groß zum Filtern',
  },
  form: {
    url: 'URL',
    urlHint: 'Wo Ihre Anwendung Webhooks empfängt.',
    urlInsecure: 'Was an http:// gesendet wird, kann jeder im Netz lesen. Besser ist https://.',
    urlScheme: 'Sie muss mit https:// oder http:// beginnen.',
    urlCredentials:
      'Benutzername und Passwort gehören in einen Header: In der URL sind sie überall zu sehen.',
    description: 'Beschreibung',
    descriptionHint: 'Wofür dieser Endpunkt da ist.',
    delivery: 'Zustellung',
    push: 'An eine URL senden, als Webhooks',
    pull: 'Abruf: aufbewahren, bis gelesen',
    pullHint:
      'Ihre Anwendung liest die Nachrichten mit einem API-Schlüssel. Eine URL kann später dazukommen.',
    advanced: 'Erweitert',
    pace: 'Reihenfolge und Tempo',
    order: 'Reihenfolge',
    orderHint:
      'Der Reihe nach hält eine fehlschlagende Zustellung die folgenden auf, bis sie gelingt oder endgültig scheitert.',
    concurrency: 'Gleichzeitige Anfragen, höchstens',
    concurrencyHint: '1 bis 64',
    rateLimit: 'Ratenlimit',
    rateLimitHint: 'Anfragen; leer für keines',
    ratePer: 'Je',
    ratePerHint: 'Sekunden',
    retries: 'Wiederholungen',
    retriesHint:
      'Wie lange vor jedem Versuch gewartet wird, vom ersten an: 0s, 5s, 5m, 2h. Leer für den üblichen Plan.',
    retriesSum: (attempts, total) => `${plural(attempts, 'Versuch', 'Versuche')} in ${total}`,
    format: 'Format',
    signature: 'Signatur',
    signatureKind: 'Art',
    signatureHint: 'Mit einem Schlüsselpaar kann Ihr Empfänger prüfen, aber nicht signieren.',
    secretHint:
      'Leer lassen, um eines erzeugen zu lassen. Es beginnt mit whsec_, bei einem Schlüsselpaar mit whsk_.',
    sequence: 'Nachrichten nummerieren, damit fehlende auffallen und nachgelesen werden können',
    certificate: 'Client-Zertifikat',
    certificatePem: 'Zertifikat (PEM)',
    certificateHint: 'Für Empfänger, die gegenseitiges TLS verlangen.',
    certificateKey: 'Sein privater Schlüssel (PEM)',
    certificateKeyHint: 'Verschlüsselt gespeichert und nie wieder angezeigt.',
    certificatePassphrase: 'Passphrase des privaten Schlüssels',
    certificatePassphraseHint: 'Wird einmal zum Entschlüsseln verwendet und nicht gespeichert.',
    certificateChanges: { keep: 'Behalten', replace: 'Ersetzen', remove: 'Entfernen' },
    verify: 'Erst bestätigen, dass der Empfänger mir gehört, bevor etwas an ihn gesendet wird',
    leaveTitle: 'Ohne Speichern verlassen?',
    leaveAbout: 'Ihre Änderungen sind nicht gespeichert.',
    leave: 'Verlassen',
    stay: 'Bleiben',
  },
  created: {
    title: 'Endpunkt erstellt',
    open: 'Zum Endpunkt',
    secretAbout: 'Damit prüft Ihr Empfänger, dass eine Anfrage echt ist und nicht verändert wurde.',
  },
  edit: {
    title: 'Endpunkt bearbeiten',
    save: 'Änderungen speichern',
    saved: 'Änderungen gespeichert',
    conflict: 'Jemand anderes hat diesen Endpunkt geändert, während Sie ihn bearbeitet haben.',
    changedFields: (fields) => `Geändert: ${fields}.`,
    loadTheirs: 'Andere Fassung laden',
    keepMine: 'Meine behalten',
    fields: {
      url: 'URL',
      description: 'Beschreibung',
      eventTypes: 'Ereignisse',
      filter: 'Inhaltsfilter',
      headers: 'eigene Header',
      ordering: 'Reihenfolge',
      concurrency: 'gleichzeitige Anfragen',
      rateLimit: 'Ratenlimit',
      retrySchedule: 'Wiederholungen',
      metadata: 'Metadaten',
      format: 'Format',
      sequence: 'Nummerierung',
      clientCertificate: 'Client-Zertifikat',
      enabled: 'aktiviert oder deaktiviert',
    },
  },
}
