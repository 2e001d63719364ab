import { type Folder, folderInput } from '../domain/folder.ts'
import { entityRoutes } from './entity-routes.ts'

export const folderRoutes = entityRoutes({
  entityName: 'Folder',
  input: folderInput,
  isPublic: true,
  idOf: (folder: Folder) => folder.folderId,
  list: ({ folderRepository }) => folderRepository.getFolders(),
  get: ({ folderRepository }, id) => folderRepository.getFolder(id),
  add: ({ folderRepository }, input) => folderRepository.addFolder(input),
  update: ({ folderRepository }, id, input) => folderRepository.updateFolder(id, input),
  remove: ({ folderRepository }, id) => folderRepository.deleteFolder(id),
})
