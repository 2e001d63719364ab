import { pluralOf } from './plural.ts'
import type { Texts } from './texts.ts'

const plural = pluralOf('de')

/** What the pages for those who operate say, in German. */
export const operationTexts: Pick<
  Texts,
  'alerts' | 'audit' | 'subscriptions' | 'subscriptionStates' | 'subscription'
> = {
  alerts: {
    about: 'Wer benachrichtigt wird, wenn Endpunkte gestört sind.',
    when: 'Wann',
    kinds: {
      failing: 'Ein Endpunkt ist seit einer Weile gestört',
      disabled: 'Ein Endpunkt wurde deaktiviert',
      exhausted: 'Eine Zustellung ist endgültig fehlgeschlagen',
      recovered: 'Ein Endpunkt arbeitet wieder',
    },
    quiet: 'Höchstens ein Alarm einer Art je Endpunkt in',
    quietHint: 'Was inzwischen geschieht, wird zusammen gemeldet.',
    noQuiet: 'ohne Grenze',
    whom: 'Wer',
    nobody: 'Noch wird niemand benachrichtigt.',
    targets: { email: 'E-Mail', slack: 'Slack', teams: 'Microsoft Teams', discord: 'Discord' },
    kindOf: (number) => `Art von Empfänger ${number}`,
    addressOf: (number) => `Adresse von Empfänger ${number}`,
    remove: (number) => `Empfänger ${number} entfernen`,
    add: 'Empfänger hinzufügen',
    test: 'Testalarm senden',
    sent: (number) => `Empfänger ${number}: gesendet.`,
    notSent: (number, why) => `Empfänger ${number}: nicht gesendet. ${why}`,
  },
  audit: {
    about: 'Wer was geändert hat.',
    entries: 'Änderungen',
    none: 'Noch keine Änderungen',
    noneAbout: 'Hier steht, was Menschen ändern.',
    system: 'System',
    actions: {
      endpoint_created: 'Endpunkt erstellt',
      endpoint_updated: 'Endpunkt geändert',
      endpoint_enabled: 'Endpunkt aktiviert',
      endpoint_disabled: 'Endpunkt deaktiviert',
      endpoint_deleted: 'Endpunkt gelöscht',
      endpoint_verified: 'Endpunkt bestätigt',
      secret_rotated: 'Secret rotiert',
      secret_shown: 'Secret angezeigt',
      key_created: 'API-Schlüssel erstellt',
      key_rotated: 'API-Schlüssel rotiert',
      key_revoked: 'API-Schlüssel widerrufen',
      test_sent: 'Test gesendet',
      delivery_resent: 'Zustellung erneut gesendet',
      delivery_cancelled: 'Zustellung abgebrochen',
      job_started: 'Sammeländerung begonnen',
      job_cancelled: 'Sammeländerung angehalten',
      alerts_changed: 'Alarme geändert',
    },
  },
  subscriptions: {
    about: 'Abonnenten in dieser Anwendung, die die Ereignisse aller Mandanten der Reihe nach verarbeiten.',
    name: 'Name',
    behind: 'Rückstand',
    parked: 'Geparkt',
    none: 'Keine dauerhaften Abonnements',
    noneAbout: 'Sie stehen hier, sobald die Anwendung Ereignisse abonniert.',
    upToDate: 'auf dem neuesten Stand',
    lag: (count, isCapped, length) =>
      `${plural(count, 'Ereignis', 'Ereignisse')}${isCapped ? ' oder mehr' : ''}, ${length}`,
  },
  subscriptionStates: {
    running: 'Läuft',
    someParked: 'Läuft, einige geparkt',
    retrying: 'Wird wiederholt',
    paused: 'Angehalten',
    blocked: 'Blockiert',
  },
  subscription: {
    state: 'Zustand',
    node: 'Verarbeitet von',
    noNode: 'zurzeit keinem Knoten',
    failedAttempts: 'Fehlversuche des nächsten Ereignisses',
    lastError: 'Letzter Fehler',
    pause: 'Anhalten',
    resume: 'Fortsetzen',
    skip: 'Überspringen',
    skipAction: 'Überspringen',
    skipTitle: 'Dieses Ereignis überspringen?',
    skipAbout: 'Dieser Abonnent verarbeitet es nie. Das lässt sich nicht rückgängig machen.',
    skipNext: 'Nächstes Ereignis überspringen',
    skipNextTitle: 'Das blockierende Ereignis überspringen?',
    skipNextAbout: 'Dieser Abonnent verarbeitet es nie und fährt mit dem nächsten fort.',
    parkedEvents: 'Geparkte Ereignisse',
    noneParked: 'Keine geparkten Ereignisse',
    noneParkedAbout:
      'Ein Ereignis, dessen Versuche aufgebraucht sind, wird hier geparkt, damit die anderen weitergehen.',
    parkedAfter: (entity, id, tenant, attempts) =>
      `${entity} ${id} von Mandant ${tenant}, nach ${plural(attempts, 'Versuch', 'Versuchen')}`,
    retryAll: 'Alle noch einmal',
    event: 'Ereignis',
  },
}
