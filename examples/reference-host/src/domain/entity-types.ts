import type { File } from './file.ts'
import type { Folder } from './folder.ts'
import type { Page } from './page.ts'
import type { Site } from './site.ts'
import type { User } from './user.ts'

// From here on the compiler knows what travels with an event: raising File events with the data of
// a page does not compile.
declare module '@x/events-core' {
  interface EntityTypes {
    File: File
    Folder: Folder
    Page: Page
    Site: Site
    User: User
  }
}
