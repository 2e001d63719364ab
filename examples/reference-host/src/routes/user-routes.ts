import { type User, userInput } from '../domain/user.ts'
import { entityRoutes } from './entity-routes.ts'

export const userRoutes = entityRoutes({
  entityName: 'User',
  input: userInput,
  isPublic: false,
  idOf: (user: User) => user.userId,
  list: ({ userRepository }) => userRepository.getUsers(),
  get: ({ userRepository }, id) => userRepository.getUser(id),
  add: ({ userRepository }, input) => userRepository.addUser(input),
  update: ({ userRepository }, id, input) => userRepository.updateUser(id, input),
  remove: ({ userRepository }, id) => userRepository.deleteUser(id),
})
