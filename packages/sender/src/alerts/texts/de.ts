import type { AlertTexts } from './alert-texts.ts'

/** In German. */
export const de: AlertTexts = {
  subjects: {
    failing: (url) => `Webhooks an ${url} schlagen fehl`,
    disabled: (url) => `Der Webhook-Endpunkt ${url} wurde deaktiviert`,
    exhausted: (url) => `Webhooks an ${url} sind endgültig fehlgeschlagen`,
    recovered: (url) => `Webhooks an ${url} kommen wieder an`,
    test: () => 'Test der Webhook-Alarme',
  },
  noSuccessSince: (time) => `Seit ${time} war keine Anfrage erfolgreich.`,
  willBeDisabled: (time) => `Der Endpunkt wird am ${time} deaktiviert, wenn bis dahin keine gelingt.`,
  disabled: {
    gone: (time) => `Deaktiviert seit ${time}: Er hat mit 410 Gone geantwortet.`,
    failing: (time) => `Deaktiviert seit ${time}: Er war zu lange gestört.`,
    unverified: (time) => `Deaktiviert seit ${time}: Es ist nicht bestätigt, wem er gehört.`,
    manual: (time) => `Deaktiviert seit ${time}.`,
  },
  getsNothing: 'Er erhält nichts, bis er aktiviert wird.',
  exhausted: (count, shownCount, time) =>
    count === 1
      ? `Eine Zustellung ist endgültig fehlgeschlagen, am ${time}.`
      : `${shownCount} Zustellungen sind seit ${time} endgültig fehlgeschlagen.`,
  isNotRetried: (count) =>
    count === 1
      ? 'Sie wird nicht wiederholt; sie kann erneut gesendet werden.'
      : 'Sie werden nicht wiederholt; sie können erneut gesendet werden.',
  succeedsSince: (time) => `Seit ${time} sind Anfragen wieder erfolgreich.`,
  test: 'Dies ist ein Test: Alarme über Webhooks kommen hier an.',
  open: 'Öffnen',
  lastError: (what, time) => `Letzter Fehler: ${what}, am ${time}`,
  errors: {
    http_status: 'Fehlerstatus',
    redirect: 'Weiterleitung',
    gone: '410 Gone',
    timeout: 'keine rechtzeitige Antwort',
    connect_timeout: 'keine rechtzeitige Verbindung',
    connection_refused: 'Verbindung abgelehnt',
    connection_lost: 'Verbindung vor der Antwort beendet',
    dns_failure: 'Hostname nicht gefunden',
    dns_unavailable: 'Hostname nicht nachschlagbar',
    network_unreachable: 'Netz nicht erreichbar',
    out_of_resources: 'der Versuch war nicht möglich',
    not_permitted: 'Verbindung nicht zugelassen',
    not_allowed: 'Ereignis für diesen Endpunkt nicht erlaubt',
    check_failed: 'nicht prüfbar, ob das Ereignis erlaubt ist',
    aborted: 'Versuch vor seinem Ende beendet',
    tls_failure: 'keine sichere Verbindung',
    forbidden_address: 'private oder reservierte Adresse',
    forbidden_url: 'URL nicht erlaubt',
    proxy_unavailable: 'Proxy nicht erreichbar',
    proxy_unauthorized: 'Proxy verweigert den Zugang',
    proxy_connect_failed: 'Proxy konnte nicht verbinden',
    invalid_response: 'ungültige Antwort',
    network_error: 'Verbindung fehlgeschlagen',
  },
}
