import { pluralOf } from './plural.ts'
import type { ReasonTexts } from './reason-texts.ts'

const plural = pluralOf('de')
const aheadOf = (count: number | undefined, isCapped: boolean) =>
  count === undefined ? '' : ` hinter ${isCapped ? 'mehr als ' : ''}${plural(count, 'anderer', 'anderen')}`

/** In German. */
export const reasons: ReasonTexts = {
  reasons: {
    in_flight: 'Der Versuch läuft gerade.',
    requested: (when) => `Ein Versuch wurde verlangt. Er folgt ${when}, vor allen anderen.`,
    queued: (ahead, isCapped) =>
      `Sie ist fällig und wartet${aheadOf(ahead, isCapped)}, bis sie an der Reihe ist.`,
    scheduled: (attempt, of, on) => `Versuch ${attempt} von ${of} folgt ${on}.`,
    paused: (until, why) => `Der Endpunkt pausiert bis ${until}, weil ${why}.`,
    rate_limited: (until) => `Das Ratenlimit des Endpunkts ist erreicht. Es geht weiter ${until}.`,
    predecessor: (ahead, isCapped) =>
      ahead === undefined
        ? 'Sie wartet auf die Zustellung davor, da dieser Endpunkt der Reihe nach beliefert wird.'
        : `Sie wartet${aheadOf(ahead, isCapped)}, da dieser Endpunkt der Reihe nach beliefert wird.`,
    disabled: (since) =>
      `Der Endpunkt ist seit ${since} deaktiviert. Sobald er aktiviert wird, geht die Zustellung weiter.`,
    succeeded: 'Ihr Server hat sie bestätigt.',
    attempts_exhausted: 'Alle Versuche sind fehlgeschlagen. Von selbst folgt keiner mehr.',
    gone: 'Ihr Server hat mit 410 Gone geantwortet. An ihn wird nichts mehr gesendet.',
    cancelled: 'Sie wurde von Hand abgebrochen.',
    endpoint_deleted: (on) => `Sie endete, als der Endpunkt am ${on} gelöscht wurde.`,
    not_allowed: 'Dieses Ereignis darf nicht an diesen Endpunkt gesendet werden.',
    pull: 'Sie wird aufbewahrt, bis Ihre Anwendung sie abruft.',
  },
  health: {
    healthy: 'Webhooks kommen bei diesem Endpunkt an.',
    pull: 'Nachrichten werden aufbewahrt, bis Ihre Anwendung sie abruft.',
    unverified: 'Nicht bestätigt: Bis sein Empfänger bestätigt ist, wird nichts gesendet.',
    failing: (since, why) => `Gestört seit ${since}: ${why}. Zustellungen werden wiederholt.`,
    paused: (until, why) => `Pausiert bis ${until}, weil ${why}. Dann wird erst eine Zustellung versucht.`,
    retryAfter: (until) => `Pausiert bis ${until}, weil Ihr Server darum gebeten hat (Retry-After).`,
    senderFault: (until) => `Pausiert bis ${until}, weil das Netz auf unserer Seite gestört ist.`,
    rateLimited: (until) => `Das Ratenlimit ist erreicht. Es geht weiter ${until}.`,
    disablesOn: (on) => `Gelingt bis ${on} nichts, wird der Endpunkt deaktiviert.`,
    waiting: 'Wartend',
    oldest: 'Älteste',
    next: 'Nächster Versuch',
    lastErrors: 'Letzte Fehler',
    tryNow: 'Jetzt versuchen',
    disabled: {
      manual: (on) => `Deaktiviert seit ${on}. Bis er aktiviert wird, wird nichts gesendet.`,
      unverified: (on) =>
        `Seit ${on} nicht bestätigt. Bis sein Empfänger bestätigt ist, wird nichts gesendet.`,
      gone: (on) => `Deaktiviert seit ${on}, weil Ihr Server mit 410 Gone geantwortet hat.`,
      failing: (on) =>
        `Deaktiviert seit ${on}, weil tagelang kein Versuch gelang. Beheben Sie die Störung, aktivieren Sie ihn und holen Sie Versäumtes nach.`,
    },
  },
  doneBy: (name) => `Das war ${name}.`,
  failures: (count, causes) =>
    count === 1
      ? `der letzte Versuch fehlschlug (${causes})`
      : `die letzten ${count} Versuche fehlschlugen (${causes})`,
  more: (count, isCapped) => `${isCapped ? 'mehr als ' : ''}${plural(count, '', '').trim()}`,
  attemptErrorNames: {
    http_status: 'Fehlerstatus',
    redirect: 'Weiterleitung',
    gone: 'entfernt',
    timeout: 'Zeitüberschreitung',
    connect_timeout: 'Zeitüberschreitung beim Verbinden',
    connection_refused: 'Verbindung abgelehnt',
    connection_lost: 'Verbindung verloren',
    dns_failure: 'Host nicht gefunden',
    dns_unavailable: 'Namensauflösung gestört',
    network_unreachable: 'Netz nicht erreichbar',
    out_of_resources: 'aufgeschoben',
    not_permitted: 'nicht zugelassen',
    not_allowed: 'nicht erlaubt',
    check_failed: 'Prüfung gestört',
    aborted: 'beendet',
    tls_failure: 'TLS-Fehler',
    forbidden_address: 'private Adresse',
    forbidden_url: 'URL nicht erlaubt',
    proxy_unavailable: 'Proxy nicht erreichbar',
    proxy_unauthorized: 'Proxy abgelehnt',
    proxy_connect_failed: 'Proxy ohne Verbindung',
    invalid_response: 'ungültige Antwort',
    network_error: 'Netzwerkfehler',
  },
}
